# The numbers of layout.py as constants for the compiler; a test holds the two together.
cdef enum:
    IS_IP = 1
    IS_ARP = 2
    IS_FRAGMENT = 3
    IS_OTHER = 4
    IS_MALFORMED = 5
    LINK_NULL = 0
    LINK_ETHERNET = 1
    LINK_RAW_BSD = 12
    LINK_RAW_OPENBSD = 14
    LINK_RAW = 101
    LINK_LOOP = 108
    LINK_SLL = 113
    LINK_IPV4 = 228
    LINK_IPV6 = 229
    LINK_SLL2 = 276
    LINK_SAME = -1
    TYPE_IPV4 = 0x0800
    TYPE_ARP = 0x0806
    TYPE_VLAN = 0x8100
    TYPE_IPV6 = 0x86DD
    TYPE_QINQ = 0x88A8
    TYPE_QINQ_OLD = 0x9100
    MAX_TAGS = 4
    MAX_EXTENSIONS = 8
    PROTO_ICMP = 1
    PROTO_TCP = 6
    PROTO_UDP = 17
    PROTO_ICMP6 = 58
    PROTO_NONE = 59
    PROTO_SCTP = 132
    TCP_FIN = 1
    TCP_SYN = 2
    TCP_RST = 4
    TCP_ACK = 16
    AT_LINK = 0
    AT_IPV4 = 1
    AT_IPV6 = 2
    AT_TCP = 3
    AT_UDP = 4
    AT_ICMP = 5
    SHORT = 0
    WRONG_VERSION = 1
    BAD_HEADER = 2
    BAD_LENGTH = 3
    TOO_MANY_TAGS = 4
    TOO_MANY_EXTENSIONS = 5
    DONE = 0
    TICK = 1
    EVICT = 2
    REUSE = 4
    NEW = 8
    ATTEMPT = 16
    ANSWER = 32
    REFUSE = 64
    TRANSFER = 128
    PAYLOAD = 256
    NEIGHBOUR = 512
    FRAGMENT = 1024
    ERROR = 2048
    MALFORMED = 4096
    SYN = 8192
    CHAIN = 0
    BUCKET = 1
    OLDER = 2
    NEWER = 3
    LIST = 4
    TOUCHED = 5
    SOURCE_OLDER = 6
    SOURCE_NEWER = 7
    SOURCE = 8
    FLAGS = 9
    INITIATOR = 10
    START = 11
    LAST = 12
    NUMBER = 13
    PACKETS = 14
    BYTES = 16
    PAYLOADS = 18
    WANT = 20
    ATTEMPTS = 22
    ATTEMPTED = 23
    ISN = 24
    ACK_FIRST = 25
    ACK_LAST = 26
    WIDTH = 27
    F_SYN = 1
    F_ANSWERED = 2
    F_REFUSED = 4
    F_TRANSFERRED = 8
    F_FIN_OUT = 16
    F_FIN_IN = 32
    F_RST = 64
    F_CARE = 128
    F_DIRTY = 256
    F_ACKED = 512
    UNANSWERED = 0
    ANSWERED = 1
    CONNECTED = 2
    CLOSED = 3
    CLASSES = 4
    LISTS = 8
    KEY_WORDS = 5
    SOURCE_WIDTH = 5
    COPIES_PROVE = 4
    RECENT_WAYS = 4
    RECENT_SETS = 1024


# 64 bits do not fit an enum.
cdef extern from *:
    """
    #define CAMWARDEN_MASK 0xFFFFFFFFFFFFFFFFULL
    #define CAMWARDEN_LOW 0xFFFFFFFFULL
    #define CAMWARDEN_SIGNED 0x7FFFFFFFFFFFFFFFULL
    #define CAMWARDEN_V4_MAPPED 0xFFFF00000000ULL
    #define CAMWARDEN_V4_PREFIX 0xFFFFULL
    #define CAMWARDEN_SIP0 0x736F6D6570736575ULL
    #define CAMWARDEN_SIP1 0x646F72616E646F6DULL
    #define CAMWARDEN_SIP2 0x6C7967656E657261ULL
    #define CAMWARDEN_SIP3 0x7465646279746573ULL
    #define CAMWARDEN_SPLITMIX1 0xBF58476D1CE4E5B9ULL
    #define CAMWARDEN_SPLITMIX2 0x94D049BB133111EBULL
    """
    const unsigned long long MASK "CAMWARDEN_MASK"
    const unsigned long long LOW "CAMWARDEN_LOW"
    const unsigned long long SIGNED "CAMWARDEN_SIGNED"
    const unsigned long long V4_MAPPED "CAMWARDEN_V4_MAPPED"
    const unsigned long long V4_PREFIX "CAMWARDEN_V4_PREFIX"
    const unsigned long long SIP0 "CAMWARDEN_SIP0"
    const unsigned long long SIP1 "CAMWARDEN_SIP1"
    const unsigned long long SIP2 "CAMWARDEN_SIP2"
    const unsigned long long SIP3 "CAMWARDEN_SIP3"
    const unsigned long long SPLITMIX1 "CAMWARDEN_SPLITMIX1"
    const unsigned long long SPLITMIX2 "CAMWARDEN_SPLITMIX2"
