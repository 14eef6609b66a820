#include <memory>
#include <string>
#include <vector>

#include "cli/commands.hpp"
#include "cli/printing.hpp"
#include "core/format.hpp"
#include "secgan/core/attributes.hpp"
#include "secgan/core/error.hpp"
#include "secgan/editing/editor.hpp"

namespace secgan::cli {
namespace {

void list_attributes(const std::string& model) {
  const Editor editor = Editor::from_pretrained(model);
  say("{}: {}", model, editor.summary());
  const AttributeSchema& schema = editor.attributes();
  if (schema.size() == 0) {
    say("no attributes: the bundle parses photos, and edits none");
    return;
  }
  say("");
  say("{:>3}  {:<22}adding it removes", "", "attribute");
  for (int64_t a = 0; a < schema.size(); ++a) {
    std::vector<std::string> excluded;
    for (const int64_t other : schema.excluded_by(a)) excluded.push_back(printable(schema.names()[static_cast<size_t>(other)]));
    say("{:>3}  {:<22}{}", a + 1, printable(schema.names()[static_cast<size_t>(a)]), fmt::join(excluded, ", "));
  }
  say("");
  if (editor.bundle().generator.is_empty()) {
    say("the bundle has no generator: it knows these attributes, and edits none");
    return;
  }
  say("secgan edit {} PHOTO --set {}=+1 --out DIR", model, printable(schema.names().front()));
  say("  NAME=+1 adds an attribute, NAME=-1 removes it, as in training; 0 to 1 is a slider, up to 2 exaggerates.");
  say("  {}", editor.bundle().classifier.is_empty()
                  ? "There is no classifier: name what a photo shows with --source A,B."
                  : "What a photo shows already is seen by the classifier, unless --source A,B names it.");
}

}  // namespace

void add_attributes(CLI::App& app) {
  CLI::App& command = *app.add_subcommand("attributes", "list what a bundle can edit, and what --set takes");
  auto model = std::make_shared<std::string>();
  command.add_option("model", *model, "the bundle's folder")->required()->type_name("MODEL");
  command.callback([=] { list_attributes(*model); });
}

}  // namespace secgan::cli
