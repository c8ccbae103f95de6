# hashing.py for compiled modules: 256 words at a time against a table of powers.

cdef extern from *:
    """
    #include <stdint.h>
    #include <string.h>

    #define NL_GAP 0x9E3779EBULL
    #define NL_PRIME (0ULL - NL_GAP)
    #define NL_BLOCK 256
    typedef unsigned __int128 nl_u128;

    /* NL_GAP to the power of i, modulo the prime: 2^64 is congruent to NL_GAP. */
    static uint64_t nl_power[NL_BLOCK + 1];

    /* top * 2^128 + high * 2^64 + low modulo the prime; top is below 2^16. */
    static inline uint64_t nl_reduce(uint64_t top, uint64_t high, uint64_t low)
    {
        nl_u128 sum = (nl_u128) high * NL_GAP + low + (nl_u128) (NL_GAP * NL_GAP) * top;
        sum = (nl_u128) (uint64_t) (sum >> 64) * NL_GAP + (uint64_t) sum;
        sum = (nl_u128) (uint64_t) (sum >> 64) * NL_GAP + (uint64_t) sum;
        return (uint64_t) sum >= NL_PRIME ? (uint64_t) sum - NL_PRIME : (uint64_t) sum;
    }

    static inline uint64_t nl_times(uint64_t one, uint64_t other)
    {
        nl_u128 product = (nl_u128) one * other;
        return nl_reduce(0, (uint64_t) (product >> 64), (uint64_t) product);
    }

    __attribute__((constructor)) static void nl_fill_powers(void)
    {
        nl_power[0] = 1;
        for (int i = 1; i <= NL_BLOCK; i++)
            nl_power[i] = nl_times(nl_power[i - 1], NL_GAP);
    }

    static inline uint64_t nl_word(const uint8_t *p)
    {
        uint64_t word;
        memcpy(&word, p, 8);
    #if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        word = __builtin_bswap64(word);
    #endif
        return word;
    }

    /* The last bytes, with a 1 appended. */
    static inline uint64_t nl_tail(const uint8_t *p, size_t size)
    {
        uint64_t word = 1;
        while (size--)
            word = word << 8 | p[size];
        return word;
    }

    /* At most NL_BLOCK whole words, and one more: in two sums, so that neither
       waits for the other's carry. */
    static inline uint64_t nl_block(const uint8_t *p, size_t words, uint64_t last)
    {
        nl_u128 even = (nl_u128) last * nl_power[words], odd = 0, product;
        uint64_t top = 0, more = 0;
        size_t i = 0;
        for (; i + 1 < words; i += 2) {
            product = (nl_u128) nl_word(p + 8 * i) * nl_power[i];
            even += product;
            top += even < product;
            product = (nl_u128) nl_word(p + 8 * i + 8) * nl_power[i + 1];
            odd += product;
            more += odd < product;
        }
        if (i < words) {
            product = (nl_u128) nl_word(p + 8 * i) * nl_power[i];
            even += product;
            top += even < product;
        }
        even += odd;
        top += more + (even < odd);
        return nl_reduce(top, (uint64_t) (even >> 64), (uint64_t) even);
    }

    static inline uint64_t nl_digest(const uint8_t *p, size_t size)
    {
        size_t words = size / 8, whole = words / NL_BLOCK;
        uint64_t value = nl_block(
            p + 8 * NL_BLOCK * whole, words % NL_BLOCK, nl_tail(p + 8 * words, size % 8));
        while (whole--)
            value = nl_block(p + 8 * NL_BLOCK * whole, NL_BLOCK, value);
        return value ? value : 1;
    }
    """
    unsigned long long nl_digest(const unsigned char *p, size_t size) noexcept nogil


cdef inline unsigned long long digest(
        const unsigned char *frame, Py_ssize_t at, Py_ssize_t end) noexcept nogil:
    return nl_digest(frame + at, <size_t> (end - at))
