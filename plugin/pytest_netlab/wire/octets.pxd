# octets.py for compiled modules: the same functions, inlined, on bare memory.

cdef extern from *:
    """
    #include <stdint.h>
    #include <string.h>

    static inline uint32_t nl_u16(const uint8_t *p)
    { uint16_t v; memcpy(&v, p, 2); return __builtin_bswap16(v); }

    static inline uint32_t nl_u32(const uint8_t *p)
    { uint32_t v; memcpy(&v, p, 4); return __builtin_bswap32(v); }

    static inline uint32_t nl_little32(const uint8_t *p)
    {
        uint32_t v;
        memcpy(&v, p, 4);
    #if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        v = __builtin_bswap32(v);
    #endif
        return v;
    }

    static inline uint64_t nl_u48(const uint8_t *p)
    { return (uint64_t) nl_u16(p) << 32 | nl_u32(p + 2); }

    static inline void nl_mapped(uint8_t *to, const uint8_t *from)
    { to[10] = to[11] = 0xff; memcpy(to + 12, from, 4); }

    static inline uint32_t nl_fold(uint64_t sum)
    {
        sum = (sum & 0xffffffff) + (sum >> 32);
        sum = (sum & 0xffffffff) + (sum >> 32);
        sum = (sum & 0xffff) + (sum >> 16);
        return (uint32_t) ((sum & 0xffff) + (sum >> 16));
    }

    #if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
    #define NL_WIDE __attribute__((target_clones("avx2", "default")))
    #else
    #define NL_WIDE
    #endif

    /* Sum both halves of 64-bit words, in a loop that compilers vectorise. */
    NL_WIDE __attribute__((unused)) static uint64_t nl_sum(const uint8_t *p, size_t words)
    {
        uint64_t low = 0, high = 0, word;
        for (size_t i = 0; i < words; i++) {
            memcpy(&word, p + 8 * i, 8);
            low += word & 0xffffffff;
            high += word >> 32;
        }
        return low + high;
    }

    /* RFC 1071: the sum is independent of byte order; only the result is swapped. */
    static inline uint32_t nl_total(const uint8_t *p, const uint8_t *end)
    {
        uint64_t low = 0, high = 0, word;
        uint32_t half;
        uint16_t quarter;
        if (end - p >= 128) {
            size_t words = (size_t) (end - p) / 8;
            low = nl_sum(p, words);
            p += 8 * words;
        }
        for (; end - p >= 8; p += 8) {
            memcpy(&word, p, 8);
            low += word & 0xffffffff;
            high += word >> 32;
        }
        if (end - p >= 4) {
            memcpy(&half, p, 4);
            low += half;
            p += 4;
        }
        if (end - p >= 2) {
            memcpy(&quarter, p, 2);
            low += quarter;
            p += 2;
        }
        if (p < end) {
            quarter = 0;
            memcpy(&quarter, p, 1);
            low += quarter;
        }
    #if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
        return __builtin_bswap16((uint16_t) nl_fold(low + high));
    #else
        return nl_fold(low + high);
    #endif
    }
    /* Prefetch two cache lines: the record header, then link, network and transport
       header. Prefetching an address beyond the buffer does nothing. */
    static inline void nl_prefetch(const uint8_t *p)
    {
        __builtin_prefetch(p);
        __builtin_prefetch(p + 64);
    }

    static inline int nl_is_mapped(const uint8_t *p)
    {
        uint64_t first;
        uint32_t then;
        memcpy(&first, p, 8);
        memcpy(&then, p + 8, 4);
        return !first && then == __builtin_bswap32(0xffff) ;
    }

    static inline uint64_t nl_mix(uint64_t state, uint64_t value)
    {
        unsigned __int128 product = (unsigned __int128)
            (state + value + 0x9E3779B97F4A7C15ULL) * 0xD6E8FEB86659FD93ULL;
        return (uint64_t) product ^ (uint64_t) (product >> 64);
    }

    static inline void nl_put(uint8_t *to, uint64_t word)
    {
    #if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        word = __builtin_bswap64(word);
    #endif
        memcpy(to, &word, 8);
    }

    static inline uint64_t nl_scramble(const uint8_t *p)
    {
        uint64_t word[5];
        memcpy(word, p, 40);
        return nl_mix(nl_mix(nl_mix(nl_mix(nl_mix(0, word[0]), word[1]), word[2]),
                      word[3]), word[4]);
    }

    static inline int nl_order(const uint8_t *one, const uint8_t *other)
    {
        uint64_t a[2], b[2];
        memcpy(a, one, 16);
        memcpy(b, other, 16);
    #if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
        a[0] = __builtin_bswap64(a[0]), a[1] = __builtin_bswap64(a[1]);
        b[0] = __builtin_bswap64(b[0]), b[1] = __builtin_bswap64(b[1]);
    #endif
        if (a[0] != b[0])
            return a[0] > b[0] ? 1 : -1;
        return (a[1] > b[1]) - (a[1] < b[1]);
    }

    static inline int nl_same(const uint8_t *one, const uint8_t *other)
    {
        uint64_t a[5], b[5];
        memcpy(a, one, 40);
        memcpy(b, other, 40);
        return !((a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]) | (a[3] ^ b[3])
                 | (a[4] ^ b[4]));
    }
    """
    void nl_put(unsigned char *to, unsigned long long word) noexcept nogil
    void nl_prefetch(const unsigned char *p) noexcept nogil
    bint nl_is_mapped(const unsigned char *p) noexcept nogil
    unsigned long long nl_mix(
        unsigned long long state, unsigned long long value) noexcept nogil
    unsigned long long nl_scramble(const unsigned char *p) noexcept nogil
    int nl_order(const unsigned char *one, const unsigned char *other) noexcept nogil
    bint nl_same(const unsigned char *one, const unsigned char *other) noexcept nogil
    unsigned int nl_u16(const unsigned char *p) noexcept nogil
    unsigned int nl_u32(const unsigned char *p) noexcept nogil
    unsigned int nl_little32(const unsigned char *p) noexcept nogil
    unsigned long long nl_u48(const unsigned char *p) noexcept nogil
    void nl_mapped(unsigned char *to, const unsigned char *origin) noexcept nogil
    unsigned int nl_fold(unsigned long long number) noexcept nogil
    unsigned int nl_total(
        const unsigned char *p, const unsigned char *end) noexcept nogil

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from libc.string cimport memcpy

ctypedef const unsigned char *bytes_t
ctypedef unsigned char *u8_view_t
ctypedef long long *i64_view_t
ctypedef int *i32_view_t
ctypedef unsigned long long *u64_view_t


cdef inline unsigned int u16(const unsigned char *frame, Py_ssize_t at) noexcept nogil:
    return nl_u16(frame + at)


cdef inline unsigned int u32(const unsigned char *frame, Py_ssize_t at) noexcept nogil:
    return nl_u32(frame + at)


cdef inline unsigned long long u48(
        const unsigned char *frame, Py_ssize_t at) noexcept nogil:
    return nl_u48(frame + at)


cdef inline void copy(unsigned char *column, Py_ssize_t to, const unsigned char *frame,
                      Py_ssize_t at, Py_ssize_t size) noexcept nogil:
    memcpy(column + to, frame + at, size)


cdef inline void mapped(unsigned char *column, Py_ssize_t to,
                        const unsigned char *frame, Py_ssize_t at) noexcept nogil:
    nl_mapped(column + to, frame + at)


cdef inline unsigned int total(
        const unsigned char *frame, Py_ssize_t at, Py_ssize_t end) noexcept nogil:
    return nl_total(frame + at, frame + end)


cdef inline unsigned int fold(unsigned long long number) noexcept nogil:
    return nl_fold(number)


cdef inline unsigned int little32(
        const unsigned char *frame, Py_ssize_t at) noexcept nogil:
    return nl_little32(frame + at)


cdef inline const unsigned char *view(object buffer) except NULL:
    # The caller keeps the buffer, and does not resize it, as long as it uses this.
    cdef Py_buffer locked
    PyObject_GetBuffer(buffer, &locked, PyBUF_SIMPLE)
    PyBuffer_Release(&locked)
    return <const unsigned char *> locked.buf


cdef inline long long *i64_view(object array) except? NULL:
    return NULL if array is None else <long long *> view(array)


cdef inline unsigned char *edited(object buffer) except NULL:
    return <unsigned char *> view(buffer)


cdef inline void put16(
        unsigned char *data, Py_ssize_t at, unsigned int value) noexcept nogil:
    data[at] = <unsigned char> (value >> 8)
    data[at + 1] = <unsigned char> value


cdef inline unsigned char *u8_view(object array) except NULL:
    return <unsigned char *> view(array)


cdef inline int *i32_view(object array) except NULL:
    return <int *> view(array)


cdef inline unsigned int *u32_view(object array) except NULL:
    return <unsigned int *> view(array)


cdef inline unsigned long long *u64_view(object array) except NULL:
    return <unsigned long long *> view(array)


cdef inline bint is_mapped(const unsigned char *column, Py_ssize_t at) noexcept nogil:
    return nl_is_mapped(column + at)


cdef inline int order(const unsigned char *one, Py_ssize_t at,
                      const unsigned char *other, Py_ssize_t where) noexcept nogil:
    return nl_order(one + at, other + where)


cdef inline void move(unsigned char *to, Py_ssize_t at, const unsigned char *origin,
                      Py_ssize_t where) noexcept nogil:
    memcpy(to + at, origin + where, 16)


cdef inline bint same(const unsigned char *one, Py_ssize_t at,
                      const unsigned char *other, Py_ssize_t where) noexcept nogil:
    return nl_same(one + at, other + where)


cdef inline void keep(unsigned char *to, Py_ssize_t at, const unsigned char *origin,
                      Py_ssize_t where) noexcept nogil:
    memcpy(to + at, origin + where, 40)


cdef inline unsigned long long joined(
        unsigned long long low, unsigned long long high,
        unsigned long long proto) noexcept nogil:
    return low | high << 16 | proto << 32


cdef inline void put(
        unsigned char *to, Py_ssize_t at, unsigned long long word) noexcept nogil:
    nl_put(to + at, word)


cdef inline unsigned long long mix(
        unsigned long long state, unsigned long long value) noexcept nogil:
    return nl_mix(state, value)


cdef inline unsigned long long scramble(
        const unsigned char *column, Py_ssize_t at) noexcept nogil:
    return nl_scramble(column + at)


cdef inline void prefetch(const unsigned char *frame, Py_ssize_t at) noexcept nogil:
    nl_prefetch(frame + at)


cdef inline void prefetch_int(const int *values, Py_ssize_t index) noexcept nogil:
    nl_prefetch(<const unsigned char *> (values + index))
