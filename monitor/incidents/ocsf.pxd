from monitor.model.memo cimport Memo
from monitor.model.parts cimport is_graphic

cdef Memo _DEVICES, _EVIDENCES, _VERDICTS
cdef _remote(evidence)
cdef _unmapped(transition, exhibit, str sensor, long long epoch, long long seq)
cdef _firmware(change)
cdef _json(part)
cdef str _known(str text)
cdef str _name(str text)
cdef str _text(str text)
cdef str _clean(str text, Py_ssize_t limit)
