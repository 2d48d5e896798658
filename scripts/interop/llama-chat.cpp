// What llama.cpp's chat code makes of answers. Built from its source alone by tool-calls.mjs; no model is loaded.
// Reads {"template", "tools", "messages", "texts"} from a file and writes a JSON list of {"content", "reasoning", "calls"} or
// {"error"}, one for each text.
#include <fstream>
#include <iostream>

#include "chat.h"
#include "json.h"
#include "nlohmann/json.hpp"

using nlohmann::ordered_json;

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
