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
    uint64_t head = 0;  // the first eight bytes of the last key
    uint64_t head_mask = 0;  // those of them that the key has
    uint64_t tail = 0;  // its last eight, where it is longer than eight
    const uint8_t *key = nullptr;
    uint32_t key_length = 0;
    int32_t field = -1;  // the node of the wanted fields that this key leads to
    const Shape *parent = nullptr;
    Shape *first = nullptr;
    Shape *sibling = nullptr;
    uint16_t depth = 0;
    uint16_t children = 0;

    // Of a key with the shape's length. `other` has eight readable bytes behind it.
    bool is_key(const uint8_t *other) const {
        if (key_length <= 8) { return ((load64(other) ^ head) & head_mask) == 0; }
        if (load64(other) != head || load64(other + key_length - 8) != tail) { return false; }
        return key_length <= 16 || std::memcmp(other + 8, key + 8, key_length - 8) == 0;
    }

    // The shape behind this one by a key that ends as its shape tells, or null. So many bytes are left from the key on.
    Shape *step_within(const uint8_t *other, size_t left) const {
        for (Shape *next = first; next != nullptr; next = next->sibling) {
            if (next->key_length <= left && next->is_key(other)) { return next; }
        }
        return nullptr;
    }

    // The shape behind this one by such a key, or null.
    Shape *step(const uint8_t *other, uint32_t length) const {
        for (Shape *next = first; next != nullptr; next = next->sibling) {
            if (next->key_length == length && next->is_key(other)) { return next; }
        }
        return nullptr;
    }

    bool is_on_path(const uint8_t *other, uint32_t length) const {
        for (const Shape *shape = this; shape->depth > 0; shape = shape->parent) {
            if (shape->key_length == length && shape->is_key(other)) { return true; }
        }
        return false;
    }
};

class KeyShapes {
public:
    static constexpr uint32_t shapes_max = 8192;
    static constexpr uint32_t depth_max = 64;
    static constexpr uint32_t children_max = 16;
    static constexpr uint32_t key_bytes_max = 256;

    // From here no key leads on: where an object goes that has left the shapes.
    Shape nowhere;

    // `count` roots: one empty shape for every kind of object that fields are wanted from, and one for all others.
    void start(size_t count) {
        root_count = count;
        shapes.reserve(root_count + shapes_max);
        reset();
    }

    void reset() {
        shapes.clear();
        shapes.resize(root_count);
        slabs.clear();
        slab_used = slab_bytes;
        misses = 0;
    }

    // Of the objects that `field` leads to, or of all others for -1.
    Shape *root(int32_t field) { return &shapes[size_t(field + 1)]; }

    // True where so many objects left the shapes that those kept are of an older time.
    bool worn() const { return misses > 100000 && shapes.size() >= shapes_max; }

    bool can_grow(const Shape &from, uint32_t length) {
        const bool room = shapes.size() < root_count + shapes_max && from.depth < depth_max && from.children < children_max
            && length <= key_bytes_max;
        if (!room) { misses += 1; }
        return room;
    }

    Shape *grow(Shape &from, const uint8_t *key, uint32_t length, int32_t field) {
        // There is room for all, so no shape ever moves.
        Shape &shape = shapes.emplace_back();
        shape.head_mask = length < 8 ? low_bytes(length) : ~uint64_t(0);
        shape.head = load64(key) & shape.head_mask;
        shape.tail = length > 8 ? load64(key + length - 8) : 0;
        shape.key = keep(key, length);
        shape.key_length = length;
        shape.parent = &from;
        shape.depth = from.depth + 1;
        shape.field = field;
        // Behind the siblings: the shape met first stays the first tried.
        Shape **link = &from.first;
        while (*link != nullptr) { link = &(*link)->sibling; }
        *link = &shape;
        from.children += 1;
        return &shape;
    }

private:
    static constexpr size_t slab_bytes = 16 * 1024;

    std::vector<Shape> shapes;
    size_t root_count = 0;
    // The bytes of keys.
    std::vector<std::unique_ptr<uint8_t[]>> slabs;
    size_t slab_used = slab_bytes;
    uint64_t misses = 0;

    const uint8_t *keep(const uint8_t *key, uint32_t length) {
        // An empty key needs a place as well.
        if (slabs.empty() || length > slab_bytes - slab_used) {
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
