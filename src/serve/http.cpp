#include "serve/http.hpp"

#include <nlohmann/json.hpp>

#include "core/format.hpp"
#include "secgan/core/error.hpp"

namespace secgan::serve {

using Json = nlohmann::ordered_json;

const std::string* Request::header(std::string_view name) const {
  const std::string* found = nullptr;
  for (const auto& [key, value] : headers) {
    if (key != name) continue;
    if (found != nullptr) throw Refusal(400, "invalid", fmt::format("the header {} must be there once", name));
    found = &value;
  }
  return found;
}

Refusal::Refusal(int status, std::string kind, std::string_view message, Texts headers)
    : std::runtime_error(printable(message)), status_(status), kind_(std::move(kind)), headers_(std::move(headers)) {}

Answer Refusal::answer() const {
  Json json = Json::object();
  json["error"] = {{"kind", kind_}, {"message", what()}};
  Answer out = answer_with(json.dump() + "\n", "application/json", status_);
  out.headers = headers_;
  return out;
}

Answer answer_with(std::string text, std::string type, int status) {
  return {.status = status, .type = std::move(type), .body = std::make_shared<const std::string>(std::move(text))};
}

}  // namespace secgan::serve
