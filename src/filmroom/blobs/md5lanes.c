/* MD5 (RFC 1321) of up to eight bodies at once, one in each lane of a vector (docs/decisions/0020).
 *
 * The steps of MD5 wait for one another, so a processor that sums up one body has most of its arithmetic idle; bodies
 * do not wait for one another. For little-endian machines. Bodies are below 256 GiB. Nothing here allocates or fails.
 */

#include <stddef.h>
#include <stdint.h>

#define INLINE static inline __attribute__((always_inline))

enum { LANES = 8, BLOCK_BYTES = 64, LENGTH_BYTES = 8, DIGEST_BYTES = 16 };

typedef uint32_t words __attribute__((vector_size(4 * LANES)));

struct body {
    const uint8_t *bytes;
    uint32_t whole_blocks, all_blocks;
    uint8_t tail[2 * BLOCK_BYTES]; /* what is left behind the whole blocks, padded */
};

static const uint8_t NOTHING[BLOCK_BYTES];

static void begin(struct body *body, const uint8_t *bytes, uint64_t size_bytes)
{
    size_t rest = size_bytes % BLOCK_BYTES;
    uint32_t tail_blocks = rest < BLOCK_BYTES - LENGTH_BYTES ? 1 : 2;
    uint64_t size_bits = size_bytes * 8;

    body->bytes = bytes;
    body->whole_blocks = (uint32_t)(size_bytes / BLOCK_BYTES);
    body->all_blocks = body->whole_blocks + tail_blocks;
    __builtin_memset(body->tail, 0, sizeof body->tail);
    __builtin_memcpy(body->tail, bytes + size_bytes - rest, rest);
    body->tail[rest] = 0x80;
    __builtin_memcpy(body->tail + tail_blocks * BLOCK_BYTES - LENGTH_BYTES, &size_bits, LENGTH_BYTES);
}

INLINE const uint8_t *block_of(const struct body *body, uint32_t number)
{
    if (number < body->whole_blocks)
        return body->bytes + (size_t)number * BLOCK_BYTES;
    return number < body->all_blocks ? body->tail + (number - body->whole_blocks) * BLOCK_BYTES : NOTHING;
}

#define PICK(x, y, ...) __builtin_shufflevector(x, y, __VA_ARGS__)

/* From eight words of each body to each word of eight bodies. */
INLINE void transpose(words *rows)
{
    words pairs[LANES], fours[LANES];

    for (int i = 0; i < LANES; i += 2) {
        pairs[i] = PICK(rows[i], rows[i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
        pairs[i + 1] = PICK(rows[i], rows[i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
    }
    for (int i = 0; i < LANES; i += 4)
        for (int j = 0; j < 2; j++) {
            fours[i + 2 * j] = PICK(pairs[i + j], pairs[i + j + 2], 0, 1, 8, 9, 4, 5, 12, 13);
            fours[i + 2 * j + 1] = PICK(pairs[i + j], pairs[i + j + 2], 2, 3, 10, 11, 6, 7, 14, 15);
        }
    for (int i = 0; i < LANES / 2; i++) {
        rows[i] = PICK(fours[i], fours[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
        rows[i + 4] = PICK(fours[i], fours[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
    }
}

#define F(x, y, z) ((z) ^ ((x) & ((y) ^ (z))))
#define G(x, y, z) ((y) ^ ((z) & ((x) ^ (y))))
#define H(x, y, z) ((x) ^ (y) ^ (z))
#define I(x, y, z) ((y) ^ ((x) | ~(z)))
#define STEP(mix, a, b, c, d, word, shift, sine) \
    a += x[word] + UINT32_C(sine); \
    a += mix(b, c, d); \
    a = (a << shift | a >> (32 - shift)) + b

INLINE void sum_up(const struct body *bodies, words *state)
{
    words blocks;
    uint32_t longest = 0;
    for (int lane = 0; lane < LANES; lane++) {
        blocks[lane] = bodies[lane].all_blocks;
        longest = blocks[lane] > longest ? blocks[lane] : longest;
    }

    words sum_a = state[0], sum_b = state[1], sum_c = state[2], sum_d = state[3];
    for (uint32_t number = 0; number < longest; number++) {
        words x[2 * LANES];
        words goes_on = (words)(blocks > number); /* all ones where a body has this block, else zero */
        for (int lane = 0; lane < LANES; lane++) {
            const uint8_t *block = block_of(&bodies[lane], number);
            __builtin_memcpy(&x[lane], block, sizeof x[lane]);
            __builtin_memcpy(&x[LANES + lane], block + sizeof x[lane], sizeof x[lane]);
        }
        transpose(x);
        transpose(x + LANES);

        words a = sum_a, b = sum_b, c = sum_c, d = sum_d;
        STEP(F, a, b, c, d, 0, 7, 0xd76aa478);
        STEP(F, d, a, b, c, 1, 12, 0xe8c7b756);
        STEP(F, c, d, a, b, 2, 17, 0x242070db);
        STEP(F, b, c, d, a, 3, 22, 0xc1bdceee);
        STEP(F, a, b, c, d, 4, 7, 0xf57c0faf);
        STEP(F, d, a, b, c, 5, 12, 0x4787c62a);
        STEP(F, c, d, a, b, 6, 17, 0xa8304613);
        STEP(F, b, c, d, a, 7, 22, 0xfd469501);
        STEP(F, a, b, c, d, 8, 7, 0x698098d8);
        STEP(F, d, a, b, c, 9, 12, 0x8b44f7af);
        STEP(F, c, d, a, b, 10, 17, 0xffff5bb1);
        STEP(F, b, c, d, a, 11, 22, 0x895cd7be);
        STEP(F, a, b, c, d, 12, 7, 0x6b901122);
        STEP(F, d, a, b, c, 13, 12, 0xfd987193);
        STEP(F, c, d, a, b, 14, 17, 0xa679438e);
        STEP(F, b, c, d, a, 15, 22, 0x49b40821);
        STEP(G, a, b, c, d, 1, 5, 0xf61e2562);
        STEP(G, d, a, b, c, 6, 9, 0xc040b340);
        STEP(G, c, d, a, b, 11, 14, 0x265e5a51);
        STEP(G, b, c, d, a, 0, 20, 0xe9b6c7aa);
        STEP(G, a, b, c, d, 5, 5, 0xd62f105d);
        STEP(G, d, a, b, c, 10, 9, 0x02441453);
        STEP(G, c, d, a, b, 15, 14, 0xd8a1e681);
        STEP(G, b, c, d, a, 4, 20, 0xe7d3fbc8);
        STEP(G, a, b, c, d, 9, 5, 0x21e1cde6);
        STEP(G, d, a, b, c, 14, 9, 0xc33707d6);
        STEP(G, c, d, a, b, 3, 14, 0xf4d50d87);
        STEP(G, b, c, d, a, 8, 20, 0x455a14ed);
        STEP(G, a, b, c, d, 13, 5, 0xa9e3e905);
        STEP(G, d, a, b, c, 2, 9, 0xfcefa3f8);
        STEP(G, c, d, a, b, 7, 14, 0x676f02d9);
        STEP(G, b, c, d, a, 12, 20, 0x8d2a4c8a);
        STEP(H, a, b, c, d, 5, 4, 0xfffa3942);
        STEP(H, d, a, b, c, 8, 11, 0x8771f681);
        STEP(H, c, d, a, b, 11, 16, 0x6d9d6122);
        STEP(H, b, c, d, a, 14, 23, 0xfde5380c);
        STEP(H, a, b, c, d, 1, 4, 0xa4beea44);
        STEP(H, d, a, b, c, 4, 11, 0x4bdecfa9);
        STEP(H, c, d, a, b, 7, 16, 0xf6bb4b60);
        STEP(H, b, c, d, a, 10, 23, 0xbebfbc70);
        STEP(H, a, b, c, d, 13, 4, 0x289b7ec6);
        STEP(H, d, a, b, c, 0, 11, 0xeaa127fa);
        STEP(H, c, d, a, b, 3, 16, 0xd4ef3085);
        STEP(H, b, c, d, a, 6, 23, 0x04881d05);
        STEP(H, a, b, c, d, 9, 4, 0xd9d4d039);
        STEP(H, d, a, b, c, 12, 11, 0xe6db99e5);
        STEP(H, c, d, a, b, 15, 16, 0x1fa27cf8);
        STEP(H, b, c, d, a, 2, 23, 0xc4ac5665);
        STEP(I, a, b, c, d, 0, 6, 0xf4292244);
        STEP(I, d, a, b, c, 7, 10, 0x432aff97);
        STEP(I, c, d, a, b, 14, 15, 0xab9423a7);
        STEP(I, b, c, d, a, 5, 21, 0xfc93a039);
        STEP(I, a, b, c, d, 12, 6, 0x655b59c3);
        STEP(I, d, a, b, c, 3, 10, 0x8f0ccc92);
        STEP(I, c, d, a, b, 10, 15, 0xffeff47d);
        STEP(I, b, c, d, a, 1, 21, 0x85845dd1);
        STEP(I, a, b, c, d, 8, 6, 0x6fa87e4f);
        STEP(I, d, a, b, c, 15, 10, 0xfe2ce6e0);
        STEP(I, c, d, a, b, 6, 15, 0xa3014314);
        STEP(I, b, c, d, a, 13, 21, 0x4e0811a1);
        STEP(I, a, b, c, d, 4, 6, 0xf7537e82);
        STEP(I, d, a, b, c, 11, 10, 0xbd3af235);
        STEP(I, c, d, a, b, 2, 15, 0x2ad7d2bb);
        STEP(I, b, c, d, a, 9, 21, 0xeb86d391);
        sum_a += a & goes_on;
        sum_b += b & goes_on;
        sum_c += c & goes_on;
        sum_d += d & goes_on;
    }
    state[0] = sum_a;
    state[1] = sum_b;
    state[2] = sum_c;
    state[3] = sum_d;
}

INLINE void sum_up_all(const uint8_t *const *bodies, const uint64_t *sizes_bytes, size_t count,
                       uint8_t (*digests)[DIGEST_BYTES])
{
    struct body lanes[LANES];
    words zero = {0};
    words state[] = {zero + 0x67452301, zero + 0xefcdab89, zero + 0x98badcfe, zero + 0x10325476};

    for (size_t lane = 0; lane < LANES; lane++)
        if (lane < count)
            begin(&lanes[lane], bodies[lane], sizes_bytes[lane]);
        else
            lanes[lane].all_blocks = lanes[lane].whole_blocks = 0;
    sum_up(lanes, state);
    for (size_t lane = 0; lane < count; lane++)
        for (int word = 0; word < 4; word++) {
            uint32_t value = state[word][lane];
            __builtin_memcpy(digests[lane] + 4 * word, &value, sizeof value);
        }
}

/* The digests of ``count`` bodies, eight at most. The second of these is only for processors that have AVX2. */

void md5lanes_sum_up(const uint8_t *const *bodies, const uint64_t *sizes_bytes, size_t count,
                     uint8_t (*digests)[DIGEST_BYTES])
{
    sum_up_all(bodies, sizes_bytes, count, digests);
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) void md5lanes_sum_up_avx2(const uint8_t *const *bodies, const uint64_t *sizes_bytes,
                                                          size_t count, uint8_t (*digests)[DIGEST_BYTES])
{
    sum_up_all(bodies, sizes_bytes, count, digests);
}
#endif
