// Proof that the keys of an object differ, at the cost of one comparison a key.
//
// Events of one stream have their keys in the same order nearly always. A *shape* stands for a sequence of keys that was proved
// free of repeats once; each key leads from a shape to the next (V8 calls these hidden classes). An object that walks along known
// shapes needs no further proof, and the shape also says which wanted field the key leads to. Objects with many or ever-new keys
// leave the shapes and use a hash table, so the cost stays linear whatever comes in.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

namespace needletail {

inline uint64_t load64(const uint8_t *bytes) {
    uint64_t word;
    std::memcpy(&word, bytes, sizeof word);
    return word;
}

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "Keys are compared as little-endian words.");

inline uint64_t low_bytes(uint32_t count) { return count == 0 ? 0 : ~uint64_t(0) >> (64 - 8 * count); }

struct Shape {
    uint64_t head;  // the first eight bytes of the last key
    uint64_t head_mask;  // those of them that the key has
    uint64_t tail;  // its last eight, where it is longer than eight
    const uint8_t *key;  // stays in place until the shapes are reset
    uint32_t key_length;
    uint32_t parent;
    uint32_t first = 0;  // 0 is no shape
    uint32_t sibling = 0;
    uint32_t depth = 0;
    uint32_t children = 0;
    int32_t field = -1;  // the node of the wanted fields that this key leads to
};

class KeyShapes {
public:
    static constexpr uint32_t shapes_max = 8192;
    static constexpr uint32_t depth_max = 64;
    static constexpr uint32_t children_max = 16;
    static constexpr uint32_t key_bytes_max = 256;

    std::vector<Shape> shapes;

    // `roots`: one empty shape for every kind of object that fields are wanted from, and one for all others.
    void start(size_t roots) {
        root_count = roots;
        reset();
    }

    void reset() {
        shapes.clear();
        shapes.resize(root_count + 1);
        slabs.clear();
        slab_used = slab_bytes;
        misses = 0;
    }

    // True where so many objects left the shapes that those kept are of an older time.
    bool worn() const { return misses > 100000 && shapes.size() >= shapes_max; }

    // Of a key with the shape's length. `key` has eight readable bytes behind it.
    bool is_key(const Shape &shape, const uint8_t *key) const {
        if (shape.key_length <= 8) { return ((load64(key) ^ shape.head) & shape.head_mask) == 0; }
        if (load64(key) != shape.head || load64(key + shape.key_length - 8) != shape.tail) { return false; }
        return shape.key_length <= 16 || std::memcmp(key + 8, shape.key + 8, shape.key_length - 8) == 0;
    }

    // The shape behind `from` by this key, or 0.
    uint32_t step(uint32_t from, const uint8_t *key, uint32_t length) const {
        for (uint32_t next = shapes[from].first; next != 0; next = shapes[next].sibling) {
            if (shapes[next].key_length == length && is_key(shapes[next], key)) { return next; }
        }
        return 0;
    }

    bool on_path(uint32_t shape, const uint8_t *key, uint32_t length) const {
        for (; shapes[shape].depth > 0; shape = shapes[shape].parent) {
            if (shapes[shape].key_length == length && is_key(shapes[shape], key)) { return true; }
        }
        return false;
    }

    bool can_grow(uint32_t from, uint32_t length) {
        const bool room = shapes.size() < shapes_max && shapes[from].depth < depth_max && shapes[from].children < children_max
            && length <= key_bytes_max;
        if (!room) { misses += 1; }
        return room;
    }

    uint32_t grow(uint32_t from, const uint8_t *key, uint32_t length, int32_t field) {
        Shape shape;
        shape.head_mask = length < 8 ? low_bytes(length) : ~uint64_t(0);
        shape.head = load64(key) & shape.head_mask;
        shape.tail = length > 8 ? load64(key + length - 8) : 0;
        shape.key = keep(key, length);
        shape.key_length = length;
        shape.parent = from;
        shape.depth = shapes[from].depth + 1;
        shape.field = field;
        const uint32_t index = uint32_t(shapes.size());
        shapes.push_back(shape);
        // Behind the siblings: the shape met first stays the first tried.
        uint32_t *link = &shapes[from].first;
        while (*link != 0) { link = &shapes[*link].sibling; }
        *link = index;
        shapes[from].children += 1;
        return index;
    }

private:
    static constexpr size_t slab_bytes = 16 * 1024;

    size_t root_count = 0;
    std::vector<std::unique_ptr<uint8_t[]>> slabs;
    size_t slab_used = slab_bytes;
    uint64_t misses = 0;

    const uint8_t *keep(const uint8_t *key, uint32_t length) {
        if (length > slab_bytes - slab_used) {
            slabs.push_back(std::make_unique<uint8_t[]>(slab_bytes));
            slab_used = 0;
        }
        uint8_t *const place = slabs.back().get() + slab_used;
        std::memcpy(place, key, length);
        slab_used += length;
        return place;
    }
};

// The keys of objects that have left the shapes, for one line. Entries of earlier lines are told by their stamp, so that
// beginning a line costs nothing.
class KeyTable {
public:
    explicit KeyTable(uint64_t seed) : seed(seed) { entries.resize(1024); }

    void start_line() {
        used = 0;
        stamp += 1;
        if (stamp == 0) {
            entries.assign(entries.size(), Entry());
            stamp = 1;
        }
    }

    // False where the object has this key already. The bytes must stay until the line ends.
    bool insert(uint32_t object, const uint8_t *key, uint32_t length) {
        if ((used + 1) * 2 > entries.size()) { grow(); }
        const uint64_t hash = hash_of(object, key, length);
        size_t at = hash & (entries.size() - 1);
        while (entries[at].stamp == stamp) {
            const Entry &entry = entries[at];
            if (entry.hash == hash && entry.object == object && entry.length == length && std::memcmp(entry.key, key, length) == 0) {
                return false;
            }
            at = (at + 1) & (entries.size() - 1);
        }
        entries[at] = Entry{hash, key, length, object, stamp};
        used += 1;
        return true;
    }

private:
    struct Entry {
        uint64_t hash = 0;
        const uint8_t *key = nullptr;
        uint32_t length = 0;
        uint32_t object = 0;
        uint32_t stamp = 0;
    };

    std::vector<Entry> entries;
    size_t used = 0;
    uint32_t stamp = 0;
    // Drawn at random, so that nobody can send keys that all fall on one place.
    uint64_t seed;

    static uint64_t mix(uint64_t a, uint64_t b) {
        const unsigned __int128 product = (unsigned __int128)(a) * b;
        return uint64_t(product) ^ uint64_t(product >> 64);
    }

    uint64_t hash_of(uint32_t object, const uint8_t *key, uint32_t length) const {
        uint64_t hash = mix(seed ^ object, 0x9E3779B97F4A7C15u ^ length);
        uint32_t at = 0;
        for (; at + 8 <= length; at += 8) { hash = mix(hash ^ load64(key + at), 0xD6E8FEB86659FD93u ^ seed); }
        uint64_t rest = 0;
        std::memcpy(&rest, key + at, length - at);
        return mix(hash ^ rest, 0xA0761D6478BD642Fu ^ seed);
    }

    void grow() {
        std::vector<Entry> old(entries.size() * 2);
        old.swap(entries);
        for (const Entry &entry : old) {
            if (entry.stamp != stamp) { continue; }
            size_t at = entry.hash & (entries.size() - 1);
            while (entries[at].stamp == stamp) { at = (at + 1) & (entries.size() - 1); }
            entries[at] = entry;
        }
    }
};

}  // namespace needletail
