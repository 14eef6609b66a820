#include "cli/settings.hpp"

namespace secgan::cli {

std::string help_of(const FieldRef& field) {
  std::string help(field.meaning);
  if (const auto* names = std::get_if<EnumRef>(&field.value)) help += fmt::format("; one of {}", fmt::join(names->names, ", "));
  const std::string rule = field.rule.text();
  if (!rule.empty()) help += "; " + rule;
  const std::string value = detail::value_text(field.value);
  return value.empty() ? help : fmt::format("{} [{}]", help, value);
}

}  // namespace secgan::cli
