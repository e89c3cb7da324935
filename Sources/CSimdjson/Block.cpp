// Blocks of lines to rows.
//
// simdjson's on-demand parser reads the lines of a chunk as one stream of documents, as long as each line is one good document; from the
// first that is not, each line of that chunk is parsed by itself (LineWalker.cpp). What that way gives up is parsed once more, to a tree
// (EventReader.cpp). So no line can harm another.

#include "CSimdjson.h"

#include "Decoder.hpp"

using namespace needletail;
using simdjson::dom::element;

namespace {

uint64_t random_seed() {
    std::random_device device;
    return uint64_t(device()) << 32 | device() | 1;
}

}  // namespace

nt_decoder::nt_decoder(size_t columns) : column_count(columns), fields(1), slots(columns + 1), key_table(random_seed()) {}

nt_decoder *nt_decoder_create(size_t column_count) {
    return new nt_decoder(column_count);
}

void nt_decoder_destroy(nt_decoder *decoder) { delete decoder; }

void nt_decoder_add_path(nt_decoder *decoder, size_t column, const nt_component *components, size_t count) {
    int32_t field = 0;
    for (size_t step = 0; step < count; step++) {
        const nt_component &component = components[step];
        int32_t next;
        if (component.name != nullptr) {
            next = decoder->fields[size_t(field)].named(component.name, uint32_t(component.length));
        } else {
            next = decoder->fields[size_t(field)].at(component.index);
        }
        if (next < 0) {
            next = int32_t(decoder->fields.size());
            Field &parent = decoder->fields[size_t(field)];
            if (component.name != nullptr) {
                parent.names.emplace_back(std::string(reinterpret_cast<const char *>(component.name), component.length), next);
            } else {
                parent.indexes.emplace_back(component.index, next);
            }
            decoder->fields.emplace_back();
        }
        field = next;
    }
    decoder->fields[size_t(field)].slots.push_back(uint32_t(column));
    decoder->raw_shapes.start(decoder->fields.size() + 1);
    decoder->shapes.start(decoder->fields.size() + 1);
}

void nt_decoder_read_trees(nt_decoder *decoder) { decoder->only_trees = true; }

// Ends the line in bytes[start ..< end]. False where there is no room for its text.
bool nt_decoder::end_line(size_t start, size_t end, uint32_t reason) {
    if (simdjson_unlikely(reason == no_room)) { return false; }
    if (simdjson_likely(reason == NT_ACCEPTED)) {
        keep_row(start, end);
        return true;
    }
    if (end > start && block->bytes[end - 1] == '\r') { end--; }
    rejects.push_back(nt_rejected{uint32_t(line), reason, uint32_t(start), uint32_t(end - start)});
    line++;
    return true;
}

bool nt_decoder::has_row() {
    block->rows_needed = row == block->row_capacity;
    return !block->rows_needed;
}

// Where the line ends that holds bytes[start], before its '\n' or at `limit`.
size_t nt_decoder::line_end(size_t start, size_t limit) const {
    const void *found = std::memchr(block->bytes + start, '\n', limit - start);
    return found ? size_t(static_cast<const uint8_t *>(found) - block->bytes) : limit;
}

// Reads lines up to `limit`, each by itself. `cut` counts the cut lines that were met. False where the batch has too little room.
bool nt_decoder::read_lines(size_t start, size_t limit, size_t &cut) {
    const uint8_t *const bytes = block->bytes;
    for (size_t end; start < limit; start = end + 1) {
        end = line_end(start, block->count);
        size_t size = end - start;
        if (size > 0 && bytes[end - 1] == '\r') { size--; }
        while (cut < block->cut_count && block->cut_lines[cut] < start) { cut++; }
        const bool is_cut = cut < block->cut_count && block->cut_lines[cut] == start;
        if (simdjson_unlikely(is_cut || size > NT_LINE_BYTES_MAX)) {
            if (!end_line(start, end, NT_LINE_TOO_LONG)) { return false; }
            continue;
        }
        size_t blanks = 0;
        while (blanks < size && is_blank(bytes[start + blanks])) { blanks++; }
        if (blanks == size) {
            line++;
            continue;
        }
        if (!has_row()) { return false; }
        const size_t strings_before = strings_used;
        uint32_t reason = NT_ACCEPTED;
        if (simdjson_unlikely(only_trees || !walk_line(bytes + start, size))) {
            if (block->strings_needed > 0) { return false; }
            clear_row(strings_before);
            reason = read_line(bytes + start, size);
        }
        if (!end_line(start, end, reason)) { return false; }
    }
    return true;
}

// Reads all lines. False where the batch has too little room.
bool nt_decoder::read_block() {
    size_t cut = 0;
    for (size_t start = block->start; start < block->count;) {
        // Chunks of whole lines, or one long line.
        const size_t left = block->count - start;
        const void *last = left <= chunk_bytes ? nullptr : ::memrchr(block->bytes + start, '\n', chunk_bytes);
        size_t end = left <= chunk_bytes ? block->count : start + chunk_bytes;
        if (last != nullptr) { end = size_t(static_cast<const uint8_t *>(last) - block->bytes) + 1; }
        const bool has_cut = block->cut_count > cut && block->cut_lines[cut] < end;
        const bool is_whole = last != nullptr || left <= chunk_bytes;
        const size_t rest = is_whole && !has_cut && !only_trees ? walk_lines(start, end) : start;
        if (!read_lines(rest, end, cut)) { return false; }
        start = is_whole ? end : line_end(end, block->count) + 1;
    }
    return true;
}

// As simdjson parses one document, but with integers beyond 64 bits as doubles.
simdjson::error_code nt_decoder::parse(const uint8_t *line, size_t size, element &document) {
    if (parser.capacity() < size) {
        // simdjson counts an opening bracket before it compares, so its bound is one more than what may be open.
        const size_t room = std::max(size + size / 2, size_t(4 * 1024));
        if (parser.allocate(room, NT_DEPTH_MAX + 1) != simdjson::SUCCESS) { std::abort(); }
    }
    const simdjson::error_code error = parser.parse(line, size, false).get(document);
    if (error != simdjson::NUMBER_ERROR || !widen_integers(line, size)) { return error; }
    return parser.parse(rewritten.data(), rewritten.size() - NT_PADDING, false).get(document);
}

uint32_t nt_decoder::read_line(const uint8_t *line, size_t size) {
    element document;
    const simdjson::error_code error = parse(line, size, document);
    return error == simdjson::SUCCESS ? read_event(document, line, size) : reason(error, line, size);
}

size_t nt_decoder_decode(nt_decoder *decoder, nt_block *block) {
    nt_decoder &d = *decoder;
    d.block = block;
    d.rejects.clear();
    d.row = 0;
    d.line = 0;
    d.strings_used = block->strings_start;
    d.backslash = nullptr;
    d.bytes_end = block->bytes + block->count;
    d.next_backslash = nullptr;
    d.reformed = 0;
    block->strings_needed = 0;
    block->rows_needed = false;
    if (d.time_kinds.size() < block->row_capacity) {
        d.time_kinds.resize(block->row_capacity);
        d.time_payloads.resize(block->row_capacity);
    }
    for (size_t column = 0; column < d.column_count; column++) {
        d.slots[column] = Slot{block->kinds + column * block->row_capacity, block->payloads + column * block->row_capacity};
    }
    d.slots[d.column_count] = Slot{d.time_kinds.data(), d.time_payloads.data()};
    d.targets.assign(d.fields.size() + 1, Target{Slot{nullptr, nullptr}, false});
    for (size_t field = 0; field < d.fields.size(); field++) {
        const std::vector<uint32_t> &wanted = d.fields[field].slots;
        if (!wanted.empty()) { d.targets[field + 1] = Target{d.slots[wanted[0]], wanted.size() > 1}; }
    }
    // An object and its line end take three bytes at least.
    const size_t rows = std::min(block->row_capacity, block->count / 3 + 1);
    for (Slot &slot : d.slots) { std::memset(slot.kinds, 0, rows); }
    if (d.shapes.worn()) { d.shapes.reset(); }
    if (d.raw_shapes.worn()) { d.raw_shapes.reset(); }
    std::memset(block->bytes + block->count, 0, NT_PADDING);

    if (!d.read_block()) { return 0; }
    block->line_count = d.line;
    return d.row;
}

const nt_rejected *nt_decoder_rejects(const nt_decoder *decoder, size_t *count) {
    *count = decoder->rejects.size();
    return decoder->rejects.data();
}

const uint8_t *nt_decoder_time_kinds(const nt_decoder *decoder) { return decoder->time_kinds.data(); }

const uint64_t *nt_decoder_time_payloads(const nt_decoder *decoder) { return decoder->time_payloads.data(); }
