cimport cython


@cython.locals(source=bytes, target=bytes, tail=bytes, ports="long long")
cpdef str community_id(bytes src, bytes dst, long long sport, long long dport, long long proto, int seed=*,
                       bint base64=*)
