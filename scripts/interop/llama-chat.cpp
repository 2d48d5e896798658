// What llama.cpp's chat code makes of answers. Built from its source alone by tool-calls.mjs; no model is loaded.
// Reads {"template", "tools", "messages", "texts"} from a file and writes a JSON list of {"content", "reasoning", "calls"} or
// {"error"}, one for each text.
#include <cstdlib>
#include <fstream>
#include <iostream>

#include "chat.h"
#include "json.h"
#include "llama.h"
#include "nlohmann/json.hpp"

using nlohmann::ordered_json;

// Of the rest of llama.cpp the chat code asks for these, and only where there is a model.
static const char * absent(const char * name) { std::cerr << name << " was called\n"; std::abort(); }
extern "C" {
void ggml_abort(const char * file, int line, const char *, ...) { std::cerr << file << ":" << line << "\n"; std::abort(); }
int32_t llama_token_to_piece(const llama_vocab *, llama_token, char *, int32_t, int32_t, bool) { absent(__func__); return 0; }
const char * llama_model_chat_template(const llama_model *, const char *) { return absent(__func__); }
int32_t llama_chat_apply_template(const char *, const llama_chat_message *, size_t, bool, char *, int32_t) { absent(__func__); return 0; }
bool llama_vocab_get_add_eos(const llama_vocab *) { return false; }
bool llama_vocab_get_add_bos(const llama_vocab *) { return false; }
llama_token llama_vocab_eos(const llama_vocab *) { return -1; }
llama_token llama_vocab_bos(const llama_vocab *) { return -1; }
const llama_vocab * llama_model_get_vocab(const llama_model *) { return nullptr; }
}

int main(int argc, char ** argv) {
    if (argc != 3) return 2;
    ordered_json given = ordered_json::parse(std::ifstream(argv[1]));
    auto templates = common_chat_templates_init(nullptr, given["template"].get<std::string>(), "<|endoftext|>", "<|im_end|>");
    common_chat_templates_inputs inputs;
    inputs.messages = common_chat_msgs_parse_oaicompat(common_json::parse(given["messages"].dump()));
    inputs.tools = common_chat_tools_parse_oaicompat(common_json::parse(given["tools"].dump()));
    inputs.parallel_tool_calls = true;
    inputs.reasoning_format = COMMON_REASONING_FORMAT_AUTO;
    const common_chat_params params = common_chat_templates_apply(templates.get(), inputs);
    common_chat_parser_params parser(params);
    if (!params.parser.empty()) parser.parser.load(params.parser);
    std::cerr << common_chat_format_name(params.format) << "\n";
    ordered_json out = ordered_json::array();
    for (const auto & text : given["texts"]) {
        try {
            const common_chat_msg said = common_chat_parse(text.get<std::string>(), false, parser);
            ordered_json calls = ordered_json::array();
            for (const auto & call : said.tool_calls) calls.push_back({{"name", call.name}, {"arguments", call.arguments}});
            out.push_back({{"content", said.content}, {"reasoning", said.reasoning_content}, {"calls", calls}});
        } catch (const std::exception & error) {
            out.push_back({{"error", std::string(error.what()).substr(0, 200)}});
        }
    }
    std::ofstream(argv[2]) << out.dump(-1, ' ', false, ordered_json::error_handler_t::replace) << "\n";
}
