// Lines of JSON to rows of columns, over simdjson's on-demand parser and, for lines that are unusual or bad, its tree parser. The Swift
// side is Decoding/BlockDecoder.swift.
//
// Every line is proved by simdjson to be one JSON object in full, whatever fields are wanted. What is ours is to hold documents to lines, so that a
// bad line cannot harm its neighbours, to prove that the keys of each object differ, and to put the wanted fields into columns.
#ifndef NEEDLETAIL_CSIMDJSON_H
#define NEEDLETAIL_CSIMDJSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Why a line is not an event. The numbers are those of Decoding's RejectReason.
enum nt_reject {
    NT_ACCEPTED = 0,
    NT_SYNTAX = 1,
    NT_NOT_CLOSED = 2,
    NT_TRAILING = 3,
    NT_UNCLOSED_STRING = 4,
    NT_BAD_ESCAPE = 5,
    NT_BAD_NUMBER = 6,
    NT_CONTROL_CHARACTER = 7,
    NT_NOT_AN_OBJECT = 8,
    NT_INVALID_UTF8 = 9,
    NT_TOO_DEEP = 10,
    NT_NUMBER_OUT_OF_RANGE = 11,
    NT_DUPLICATE_KEY = 12,
    NT_LINE_TOO_LONG = 13,
};

// Most containers open at once, the event itself included.
#define NT_DEPTH_MAX 1024
// Most bytes of a line without its end.
#define NT_LINE_BYTES_MAX (1024 * 1024)
// What must be writable behind a block and behind the text of its strings.
#define NT_PADDING 64

typedef struct nt_decoder nt_decoder;

// One step of a field path: a name, or a place in a list where `name` is NULL.
typedef struct {
    const uint8_t *name;
    size_t length;
    uint64_t index;
} nt_component;

typedef struct {
    uint32_t line;  // from 0, in the block
    uint32_t reason;  // enum nt_reject
    uint32_t offset;
    uint32_t length;
} nt_rejected;

// Where one block's rows go; arrays are the batch's.
typedef struct {
    uint8_t *bytes;  // NT_PADDING writable bytes behind `count`
    size_t start;  // where the first line begins
    size_t count;
    uint64_t first_line;
    uint64_t *lines;
    uint32_t *raw_offsets;
    uint32_t *raw_lengths;
    uint8_t *kinds;
    uint64_t *payloads;
    size_t row_capacity;
    // What the payloads of strings and lists point into: `bytes` itself, with room for text behind the block. A string without escapes
    // stays where it stands in its line; all else goes to strings[strings_start ..< strings_capacity].
    uint8_t *strings;
    size_t strings_start;
    size_t strings_capacity;
    // Offsets of lines that the reader has cut because they are too long, ascending.
    const uint32_t *cut_lines;
    size_t cut_count;
    // Set by nt_decoder_decode: the number of lines; whether there are more rows than `row_capacity`, which is never so where it is at
    // least the number of lines; and 0, or how much room for text to try again with. After either of these nothing else is of use.
    size_t line_count;
    bool rows_needed;
    size_t strings_needed;
} nt_block;

nt_decoder *nt_decoder_create(size_t column_count);
void nt_decoder_destroy(nt_decoder *decoder);

// Says which value goes to a column; column `column_count` is the time.
void nt_decoder_add_path(nt_decoder *decoder, size_t column, const nt_component *components, size_t count);

// From now on every line is parsed by itself to a tree: tests hold the quick way to this one.
void nt_decoder_read_trees(nt_decoder *decoder);

// Decodes the lines in bytes[start ..< count]; a last line needs no end. Returns the number of rows; rejects and the time column are
// read below.
size_t nt_decoder_decode(nt_decoder *decoder, nt_block *block);

const nt_rejected *nt_decoder_rejects(const nt_decoder *decoder, size_t *count);
const uint8_t *nt_decoder_time_kinds(const nt_decoder *decoder);
const uint64_t *nt_decoder_time_payloads(const nt_decoder *decoder);

// Number of '\n' in so many bytes.
size_t nt_count_newlines(const uint8_t *bytes, size_t count);

// Where the last '\n' stands, or -1.
ptrdiff_t nt_last_newline(const uint8_t *bytes, size_t count);

// The yardstick of `make bench`: simdjson's on-demand parser reads type, ts, card, amount and country of every line, and
// nothing is kept. NT_PADDING readable bytes must lie behind. Returns the number of events whose five fields were read.
size_t nt_yardstick(const uint8_t *bytes, size_t count);

// Whether simdjson takes these bytes for one JSON document; tests hold what happens to lines in blocks to it.
int nt_reference_accepts(const uint8_t *bytes, size_t count);

// A JSON object as a flat tree, in the order of the text: an object is followed by its members, key and value in turn, an array by
// its elements.
enum nt_json_kind {
    NT_JSON_NULL = 0,
    NT_JSON_BOOLEAN = 1,
    NT_JSON_INTEGER = 2,
    NT_JSON_UNSIGNED = 3,
    NT_JSON_DOUBLE = 4,
    NT_JSON_STRING = 5,
    NT_JSON_ARRAY = 6,
    NT_JSON_OBJECT = 7,
};

typedef struct {
    uint32_t kind;  // enum nt_json_kind
    uint32_t count;  // members, elements, or bytes of a string
    uint64_t payload;  // the value's bits, or where a string lies in the tree's text
    uint64_t offset;  // where the value or key begins in the bytes
} nt_json_node;

typedef struct nt_json_tree nt_json_tree;

// Why bytes are no JSON object: enum nt_reject, and near which byte, or SIZE_MAX where that cannot be told.
typedef struct {
    uint32_t reason;
    size_t offset;
} nt_json_fault;

// NULL where the bytes are not one JSON object of at most NT_DEPTH_MAX levels; then `fault`, where it is given, says why.
nt_json_tree *nt_json_tree_create(const uint8_t *bytes, size_t count, nt_json_fault *fault);
const nt_json_node *nt_json_tree_nodes(const nt_json_tree *tree, size_t *count);
const uint8_t *nt_json_tree_text(const nt_json_tree *tree);
void nt_json_tree_destroy(nt_json_tree *tree);

#ifdef __cplusplus
}
#endif

#endif
