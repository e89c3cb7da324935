// Blocks of lines to rows.
//
// A block is cut into chunks of whole lines, and simdjson's scanner finds the tokens of a chunk at once (LineWalker.cpp). A line that is
// not plainly good is parsed by itself; where the scanner refuses a chunk, as it does for a quote that is left open, all its lines are.
// So no line can harm another.

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

// Ends the line in bytes[start ..< end]. False where there is no row for it, or no room for its text.
bool nt_decoder::end_line(size_t start, size_t end, uint32_t reason) {
    if (simdjson_unlikely(reason == no_room)) { return false; }
    if (end > start && block->bytes[end - 1] == '\r') { end--; }
    if (simdjson_unlikely(reason != NT_ACCEPTED)) {
        rejects.push_back(nt_rejected{uint32_t(line), reason, uint32_t(start), uint32_t(end - start)});
    } else {
        block->lines[row] = block->first_line + line;
        block->raw_offsets[row] = uint32_t(start);
        block->raw_lengths[row] = uint32_t(end - start);
        row++;
    }
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

// Reads the chunk of whole lines in bytes[start ..< end]. False where the batch has too little room, as with all that follow.
bool nt_decoder::read_chunk(size_t start, size_t end) {
    if (only_trees || !scan(start, end)) { return read_lines(start, end); }
    const uint8_t *const chunk = text;
    const uint32_t length = text_length;
    const uint32_t *at = scanner->structural_indexes.get();
    uint32_t from = 0;
    while (from < length) {
        uint32_t first = from;
        if (simdjson_unlikely(*at != from)) {
            while (first < *at && is_blank(chunk[first])) { first++; }
            if (first == length || chunk[first] == '\n') {
                from = first + 1;
                line++;
                continue;
            }
        }
        if (!has_row()) { return false; }
        const size_t strings_before = strings_used;
        const uint32_t *behind = nullptr;
        uint32_t to = 0;
        if (simdjson_likely(first == *at && chunk[first] == '{')) {
            key_table.start_line();
            objects = 0;
            behind = walk_object(at + 1, 0, 1);
            if (simdjson_likely(behind != nullptr)) {
                to = behind[-1] + 1;
                while (to < length && is_blank(chunk[to])) { to++; }
                if (to < length && chunk[to] != '\n') { behind = nullptr; }
            }
        }
        uint32_t reason = NT_ACCEPTED;
        if (simdjson_likely(behind != nullptr)) {
            at = behind;
        } else {
            if (block->strings_needed > 0) { return false; }
            clear_row(strings_before);
            to = uint32_t(line_end(start + from, end) - start);
            size_t size = to - from;
            if (size > 0 && chunk[to - 1] == '\r') { size--; }
            reason = read_line(chunk + from, size);
            while (*at < to) { at++; }
        }
        if (!end_line(start + from, start + to, reason)) { return false; }
        from = to + 1;
    }
    return true;
}

// Reads each line of a chunk by itself.
bool nt_decoder::read_lines(size_t start, size_t end) {
    while (start < end) {
        const size_t to = line_end(start, end);
        size_t size = to - start;
        if (size > 0 && block->bytes[to - 1] == '\r') { size--; }
        size_t blanks = 0;
        while (blanks < size && is_blank(block->bytes[start + blanks])) { blanks++; }
        if (blanks == size) {
            line++;
        } else if (!has_row() || !end_line(start, to, read_line(block->bytes + start, size))) {
            return false;
        }
        start = to + 1;
    }
    return true;
}

bool nt_decoder::read_block() {
    const uint8_t *const bytes = block->bytes;
    const size_t count = block->count;
    size_t start = block->start;
    size_t cut = 0;
    while (start < count) {
        while (cut < block->cut_count && block->cut_lines[cut] < start) { cut++; }
        const size_t next_cut = cut < block->cut_count ? block->cut_lines[cut] : count;
        size_t end;
        bool is_too_long = start == next_cut;
        if (is_too_long) {
            end = line_end(start, count);
        } else {
            const size_t limit = std::min(next_cut, start + chunk_bytes);
            const void *last = limit == next_cut ? nullptr : ::memrchr(bytes + start, '\n', limit - start);
            if (limit == next_cut) {
                end = limit;
            } else if (last != nullptr) {
                end = size_t(static_cast<const uint8_t *>(last) - bytes) + 1;
            } else {
                // One line that is longer than a chunk.
                end = line_end(limit, next_cut);
                const size_t size = end - start - (end > start && bytes[end - 1] == '\r' ? 1 : 0);
                is_too_long = size > NT_LINE_BYTES_MAX;
                if (!is_too_long && end < count) { end++; }
            }
        }
        if (is_too_long) {
            if (!end_line(start, end, NT_LINE_TOO_LONG)) { return false; }
            end++;
        } else if (!read_chunk(start, end)) {
            return false;
        }
        start = end;
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
