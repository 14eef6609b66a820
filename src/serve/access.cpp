#include "serve/access.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <utility>

#include "core/format.hpp"

namespace secgan::serve {
namespace {

std::string lowered(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

/// 4, 6, or 0 for a name.
int address_kind(const std::string& host) {
  if (host.find('\0') != std::string::npos) return 0;  // where C's texts end
  std::array<unsigned char, sizeof(in6_addr)> ignored{};
  if (inet_pton(AF_INET, host.c_str(), ignored.data()) == 1) return 4;
  return inet_pton(AF_INET6, host.c_str(), ignored.data()) == 1 ? 6 : 0;
}

bool is_port(std::string_view text) {
  return text.empty() || (text.starts_with(':') && text.size() <= 6 &&
                          std::ranges::all_of(text.substr(1), [](unsigned char c) { return std::isdigit(c) != 0; }));
}

/// "name:80", "[::1]:80" without port and brackets, in lower case; nothing for another form.
std::optional<std::string> host_of(std::string_view authority) {
  if (authority.starts_with('[')) {
    const size_t end = authority.find(']');
    if (end == std::string_view::npos || !is_port(authority.substr(end + 1))) return std::nullopt;
    std::string host = lowered(authority.substr(1, end - 1));
    return address_kind(host) == 6 ? std::optional(std::move(host)) : std::nullopt;
  }
  const size_t end = std::min(authority.find(':'), authority.size());
  if (end == 0 || !is_port(authority.substr(end))) return std::nullopt;
  return lowered(authority.substr(0, end));
}

/// "https://name:80" without its scheme.
std::string_view authority_of(std::string_view origin) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (origin.starts_with(scheme)) return origin.substr(scheme.size());
  }
  return {};
}

}  // namespace

bool is_loopback(std::string_view host) {
  const std::string name(host);
  return name == "localhost" || name == "::1" || (address_kind(name) == 4 && name.starts_with("127."));
}

Access::Access(const std::string& host, std::vector<std::string> names) : host_(lowered(host)), names_(std::move(names)) {
  std::ranges::transform(names_, names_.begin(), [](const std::string& name) { return lowered(name); });
}

bool Access::knows(const std::string& name) const {
  if (is_loopback(name) || name == host_ || std::ranges::find(names_, name) != names_.end()) return true;
  return !is_loopback(host_) && address_kind(name) != 0;
}

void Access::check(const Request& request) const {
  const std::string* const asked = request.header("host");
  const std::optional<std::string> host = asked != nullptr ? host_of(*asked) : std::nullopt;
  if (!host || !knows(*host)) {
    throw Refusal(
        421, "host",
        fmt::format("the header Host must name this server, found '{}': --allow-host adds a name", asked != nullptr ? *asked : ""));
  }
  const std::string* const origin = request.header("origin");
  if (origin == nullptr) return;
  const std::string_view authority = authority_of(*origin);
  if (!authority.empty() && lowered(authority) == lowered(*asked)) return;
  // A proxy may have written its own Host.
  const std::optional<std::string> page = host_of(authority);
  if (page && std::ranges::find(names_, *page) != names_.end()) return;
  throw Refusal(403, "origin", fmt::format("pages of another origin may not ask: found '{}'", *origin));
}

}  // namespace secgan::serve
