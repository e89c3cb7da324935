// One JSON object to a flat tree, for what is compared and not streamed. The Swift side is Decoding/JSONValue.swift.

#include "CSimdjson.h"

#include <cstring>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include <simdjson.h>

struct nt_json_tree {
    std::vector<nt_json_node> nodes;
    std::string text;
};

namespace {

using namespace simdjson;

void add_text(nt_json_tree &tree, std::string_view text) {
    nt_json_node node{NT_JSON_STRING, uint32_t(text.size()), tree.text.size()};
    tree.text.append(text);
    tree.nodes.push_back(node);
}

bool add_value(nt_json_tree &tree, ondemand::value value, int depth);

bool add_object(nt_json_tree &tree, ondemand::object object, int depth) {
    if (depth > NT_DEPTH_MAX) { return false; }
    const size_t place = tree.nodes.size();
    tree.nodes.push_back({NT_JSON_OBJECT, 0, 0});
    for (auto found : object) {
        ondemand::field field;
        std::string_view key;
        if (std::move(found).get(field) != SUCCESS || field.unescaped_key().get(key) != SUCCESS) { return false; }
        add_text(tree, key);
        if (!add_value(tree, field.value(), depth)) { return false; }
        tree.nodes[place].count += 1;
    }
    return true;
}

bool add_array(nt_json_tree &tree, ondemand::array array, int depth) {
    if (depth > NT_DEPTH_MAX) { return false; }
    const size_t place = tree.nodes.size();
    tree.nodes.push_back({NT_JSON_ARRAY, 0, 0});
    for (auto found : array) {
        ondemand::value value;
        if (std::move(found).get(value) != SUCCESS || !add_value(tree, value, depth)) { return false; }
        tree.nodes[place].count += 1;
    }
    return true;
}

bool add_number(nt_json_tree &tree, ondemand::value value) {
    int64_t small;
    uint64_t large;
    double real;
    if (value.get_int64().get(small) == SUCCESS) {
        tree.nodes.push_back({NT_JSON_INTEGER, 0, uint64_t(small)});
    } else if (value.get_uint64().get(large) == SUCCESS) {
        tree.nodes.push_back({NT_JSON_UNSIGNED, 0, large});
    } else if (value.get_double().get(real) == SUCCESS) {
        // Integers beyond 64 bits are doubles, as they are to rules.
        uint64_t bits;
        std::memcpy(&bits, &real, sizeof bits);
        tree.nodes.push_back({NT_JSON_DOUBLE, 0, bits});
    } else {
        return false;
    }
    return true;
}

bool add_value(nt_json_tree &tree, ondemand::value value, int depth) {
    ondemand::json_type type;
    if (value.type().get(type) != SUCCESS) { return false; }
    switch (type) {
    case ondemand::json_type::object: {
        ondemand::object object;
        return value.get_object().get(object) == SUCCESS && add_object(tree, object, depth + 1);
    }
    case ondemand::json_type::array: {
        ondemand::array array;
        return value.get_array().get(array) == SUCCESS && add_array(tree, array, depth + 1);
    }
    case ondemand::json_type::string: {
        std::string_view text;
        if (value.get_string().get(text) != SUCCESS) { return false; }
        add_text(tree, text);
        return true;
    }
    case ondemand::json_type::boolean: {
        bool flag;
        if (value.get_bool().get(flag) != SUCCESS) { return false; }
        tree.nodes.push_back({NT_JSON_BOOLEAN, 0, uint64_t(flag)});
        return true;
    }
    case ondemand::json_type::null:
        tree.nodes.push_back({NT_JSON_NULL, 0, 0});
        return true;
    case ondemand::json_type::number: return add_number(tree, value);
    }
    return false;
}

// Behind the last token there is no location.
bool is_at_end(ondemand::document &document) {
    const char *location;
    return document.current_location().get(location) == OUT_OF_BOUNDS;
}

}  // namespace

nt_json_tree *nt_json_tree_create(const uint8_t *bytes, size_t count) {
    // Strings are indexed with 32 bits, and no alert or fixture line comes near.
    if (count > UINT32_MAX / 2) { return nullptr; }
    nt_json_tree *tree = new (std::nothrow) nt_json_tree();
    if (tree == nullptr) { return nullptr; }
    ondemand::parser parser;
    padded_string text(reinterpret_cast<const char *>(bytes), count);
    ondemand::document document;
    ondemand::object object;
    const bool good = parser.iterate(text).get(document) == SUCCESS && document.get_object().get(object) == SUCCESS
        && add_object(*tree, object, 1) && is_at_end(document);
    if (!good) {
        delete tree;
        return nullptr;
    }
    return tree;
}

const nt_json_node *nt_json_tree_nodes(const nt_json_tree *tree, size_t *count) {
    *count = tree->nodes.size();
    return tree->nodes.data();
}

const uint8_t *nt_json_tree_text(const nt_json_tree *tree) { return reinterpret_cast<const uint8_t *>(tree->text.data()); }

void nt_json_tree_destroy(nt_json_tree *tree) { delete tree; }
