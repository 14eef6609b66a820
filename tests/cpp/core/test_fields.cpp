#include <catch2/catch.hpp>

#include <limits>
#include <set>

#include "io/json.hpp"
#include "secgan/secgan.hpp"

using namespace secgan;
using secgan::detail::find_field;
using secgan::detail::from_json_strict;
using secgan::detail::set_field;
using secgan::detail::to_json;

namespace {

enum class Shade { kDark, kLight };
constexpr std::array<std::pair<std::string_view, Shade>, 2> kShades{{{"dark", Shade::kDark}, {"light", Shade::kLight}}};

}  // namespace

template <>
struct secgan::EnumNames<Shade> {
  static constexpr auto& table = kShades;
  static constexpr std::string_view what = "shade";
};

namespace {

struct Pen {
  double width = 1;
  int64_t strokes = 2;

  static constexpr auto fields() {
    return std::tuple{field<&Pen::width>("of a line", rule::kPositive), field<&Pen::strokes>("per figure", rule::kNotNegative)};
  }
  void check() const {
    if (strokes > 100 * width) throw InvalidArgument("strokes are more than the pen lasts for");
  }
};

struct Frame {
  int64_t top = 0;
  int64_t left = 0;

  static constexpr auto fields() { return std::tuple{field<&Frame::top>("from above"), field<&Frame::left>("from the side")}; }
};

struct Sheet {
  Pen pen;
  Frame frame;
  Pen spare;
  Shade shade = Shade::kDark;
  std::optional<double> margin;
  std::optional<int64_t> number;
  std::vector<std::string> figures;
  std::vector<int64_t> folds;
  std::string title = "sheet";
  uint64_t seed = 0;
  bool ruled = false;

  static constexpr auto fields() {
    using O = Sheet;
    return std::tuple_cat(std::tuple{field<&O::pen>("to draw with")}, inlined<&O::frame>(),
                          std::tuple{
                              field<&O::spare, &Pen::strokes>("of the spare pen", rule::at_least(1)),
                              field<&O::shade>("of the paper"),
                              field<&O::margin>("around it", rule::kBelowOne),
                              field<&O::number>("in the book", rule::multiple_of(4)),
                              field<&O::figures>("to draw"),
                              field<&O::folds>("where it is folded"),
                              field<&O::title>("above it", {}, "headline"),
                              field<&O::seed>("of the draws"),
                              field<&O::ruled>("with lines"),
                          });
  }
};

std::vector<std::string> field_names(const Record& record) {
  std::vector<std::string> names;
  for (const FieldRef& field : record.fields()) names.emplace_back(field.name);
  return names;
}

/// What validate says of a changed sheet; "holds" when nothing.
std::string sheet_refusal(const std::function<void(Sheet&)>& change, std::string_view path = {}) {
  Sheet sheet;
  change(sheet);
  try {
    validate(sheet, path);
  } catch (const InvalidArgument& error) {
    return error.what();
  }
  return "holds";
}

std::string set_refusal(std::string_view path, const std::string& text) {
  Sheet sheet;
  try {
    set_field(record_of(sheet), path, text, "options");
  } catch (const InvalidArgument& error) {
    return error.what();
  }
  return "accepted";
}

/// Stands for a member of any type, to count how many an aggregate has.
struct AnyMember {
  template <class T>
  operator T() const;
};

template <class T, class... Members>
constexpr size_t member_count() {
  if constexpr (requires { T{Members{}..., AnyMember{}}; }) {
    return member_count<T, Members..., AnyMember>();
  } else {
    return sizeof...(Members);
  }
}

template <auto First, auto... Rest>
std::string_view first_member(const Field<First, Rest...>&) {
  return secgan::detail::member_name<First>();
}

template <class T>
void check_complete() {
  std::set<std::string_view> listed;
  std::apply([&](const auto&... field) { (listed.insert(first_member(field)), ...); }, T::fields());
  INFO(secgan::detail::type_name<T>());
  CHECK(listed.size() == member_count<T>());
}

}  // namespace

TEST_CASE("fields are called as their members are, inner ones as the inner struct's", "[core]") {
  Sheet sheet;
  const Record record = record_of(sheet);
  CHECK(record.type == "Sheet");
  CHECK(field_names(record) == std::vector<std::string>{"pen", "top", "left", "strokes", "shade", "margin", "number", "figures", "folds",
                                                        "title", "seed", "ruled"});
  CHECK(field_names(std::get<Record>(record.fields()[0].value)) == std::vector<std::string>{"width", "strokes"});
  CHECK(std::get<Record>(record.fields()[0].value).type == "Pen");
  CHECK(record.fields()[1].meaning == "from above");
  CHECK(record.fields()[3].rule.low == 1);
  CHECK(record.fields()[9].former_name == "headline");
  // Each refers to its own member.
  set_field(record, "strokes", "7", "sheet");
  set_field(record, "left", "8", "sheet");
  set_field(record, "pen.strokes", "9", "sheet");
  CHECK(sheet.spare.strokes == 7);
  CHECK(sheet.frame.left == 8);
  CHECK(sheet.frame.top == 0);
  CHECK(sheet.pen.strokes == 9);
}

TEST_CASE("every rule holds at its bounds, breaks beyond them and for NaN, and says what it asks for", "[core]") {
  struct Case {
    Rule rule;
    std::vector<double> kept, broken;
    std::string message;
  };
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const std::vector<Case> cases{
      {rule::kAny, {-kInfinity, -1, 0, kInfinity}, {}, "is not a number"},
      {rule::kAny, {3.4e38}, {3.5e38, -1e300}, "is beyond what a float of 32 bits holds"},
      {rule::kPositive, {1e-300, 1, kInfinity}, {0, -1e-300}, "is not positive"},
      {rule::kNotNegative, {0, 1e-300, kInfinity}, {-1e-300, -1}, "is negative"},
      {rule::kBelowOne, {0, 0.999}, {1, -0.001}, "is not in [0, 1)"},
      {rule::kShare, {0, 1}, {1.001, -0.001}, "is not in [0, 1]"},
      {rule::kInside, {0.001, 0.999}, {0, 1}, "is not in (0, 1)"},
      {rule::kPositiveShare, {0.001, 1}, {0, 1.001}, "is not in (0, 1]"},
      {rule::kOdd, {1, 3, 101}, {2, 0, -1}, "is not odd and positive"},
      {rule::kLayers, {2, 8}, {1, 9}, "is not in [2, 8]"},
      {rule::at_least(32), {32, kInfinity}, {31, -32}, "is below 32"},
      {rule::at_least(0), {0}, {-1}, "is negative"},
      {rule::multiple_of(32), {32, 96}, {33, 16, 0, -32}, "is not a multiple of 32"},
      // A network's extents have an end, which only those beyond it are told.
      {rule::kExtent, {1, 65536}, {0, -1, 65537}, "is not positive"},
      {rule::kExtent, {1}, {65537, 0x1p31}, "is above 65536"},
      {rule::kExtentOrNone, {0, 65536}, {-1, 65537}, "is negative"},
      {rule::kExtentOrNone, {0}, {0x1p31}, "is above 65536"},
      {rule::multiple_of(32), {65536}, {65568}, "is above 65536"},
      {rule::kOdd, {255}, {257}, "is above 255"},
  };
  for (const Case& entry : cases) {
    CAPTURE(entry.message);
    CHECK(entry.rule.broken(entry.broken.empty() ? 0 : entry.broken.front()) == entry.message);
    for (const double value : entry.kept) CHECK(entry.rule.holds(value));
    for (const double value : entry.broken) CHECK_FALSE(entry.rule.holds(value));
    CHECK_FALSE(entry.rule.holds(std::numeric_limits<double>::quiet_NaN()));
  }
  CHECK(rule::kPositive.text() == "positive");
  CHECK(rule::kNotNegative.text() == "at least 0");
  CHECK(rule::kAny.text().empty());
}

TEST_CASE("validation names path, value and rule, of nested and inlined fields too", "[core]") {
  CHECK(sheet_refusal([](Sheet&) {}) == "holds");
  CHECK(sheet_refusal([](Sheet& s) { s.pen.width = 0; }) == "pen.width 0 is not positive");
  CHECK(sheet_refusal([](Sheet& s) { s.pen.strokes = -3; }, "book.page") == "book.page.pen.strokes -3 is negative");
  CHECK(sheet_refusal([](Sheet& s) { s.spare.strokes = 0; }) == "strokes 0 is below 1");
  CHECK(sheet_refusal([](Sheet& s) { s.spare.strokes = 0; }, "book") == "book.strokes 0 is below 1");
  CHECK(sheet_refusal([](Sheet& s) { s.pen.width = std::nan(""); }) == "pen.width nan is not positive");
  // Between fields, once each field by itself holds.
  CHECK(sheet_refusal([](Sheet& s) { s.pen.strokes = 101; }) == "strokes are more than the pen lasts for");
  CHECK(sheet_refusal([](Sheet& s) { s.pen = {.width = -1, .strokes = 101}; }) == "pen.width -1 is not positive");
}

TEST_CASE("a missing value breaks no rule, a present one is held against it", "[core]") {
  CHECK(sheet_refusal([](Sheet& s) { s.margin = 0.5; }) == "holds");
  CHECK(sheet_refusal([](Sheet& s) { s.margin = 1; }) == "margin 1 is not in [0, 1)");
  CHECK(sheet_refusal([](Sheet& s) { s.margin = std::nan(""); }) == "margin nan is not in [0, 1)");
  CHECK(sheet_refusal([](Sheet& s) { s.number = 8; }) == "holds");
  CHECK(sheet_refusal([](Sheet& s) { s.number = 6; }) == "number 6 is not a multiple of 4");
}

TEST_CASE("options without a rule refuse NaN all the same", "[core]") {
  AttGanGeneratorOptions options;
  options.slope = std::nan("");
  CHECK_THROWS_WITH(validate(options), "slope nan is not a number");
  options.slope = -0.5;
  CHECK(checked(options).slope == -0.5);
  options.enc_dim = 0;
  CHECK_THROWS_WITH(checked(options), "enc_dim 0 is not positive");
}

TEST_CASE("no member of an option struct is left out of its list", "[core]") {
  check_complete<AdamOptions>();
  check_complete<AttGanDiscriminatorOptions>();
  check_complete<AttGanGeneratorOptions>();
  check_complete<AugmentOptions>();
  check_complete<BundleInfo>();
  check_complete<ClassifierConfig>();
  check_complete<ClassifierOptions>();
  check_complete<ClassifierTaskOptions>();
  check_complete<DataSettings>();
  check_complete<DataSource>();
  check_complete<EvaluateSettings>();
  check_complete<EvaluationProtocol>();
  check_complete<ExtractorProgram>();
  check_complete<FaceParserOptions>();
  check_complete<InceptionV3Options>();
  check_complete<KernelDistanceOptions>();
  check_complete<LoaderOptions>();
  check_complete<LossWeights>();
  check_complete<NetworkSpec>();
  check_complete<ParserProgram>();
  check_complete<ParserTaskOptions>();
  check_complete<PhotoInput>();
  check_complete<ResNetOptions>();
  check_complete<SecganStepOptions>();
  check_complete<SecganTaskOptions>();
  check_complete<SemanticBranchConfig>();
  check_complete<SemanticBranchOptions>();
  check_complete<StarGanDiscriminatorOptions>();
  check_complete<StarGanGeneratorOptions>();
  check_complete<StganDiscriminatorOptions>();
  check_complete<StganGeneratorOptions>();
  check_complete<SupervisedOptions>();
  check_complete<SyntheticFacesOptions>();
  check_complete<TrainClassifierSettings>();
  check_complete<TrainParserSettings>();
  check_complete<TrainSettings>();
  check_complete<TrainerOptions>();
  check_complete<UnetOptions>();
}

TEST_CASE("a generator's options list those of the chosen backbone, and those only", "[core]") {
  GeneratorOptions options;
  const Record record = record_of(options);
  CHECK(record.type == "GeneratorOptions");
  CHECK(field_names(record) == std::vector<std::string>{"backbone", "attgan"});
  set_field(record, "attgan.enc_dim", "7", "options");
  CHECK(options.as<AttGanGeneratorOptions>().enc_dim == 7);

  set_field(record, "backbone", "stgan", "options");
  CHECK(options.backbone() == "stgan");
  CHECK(field_names(record) == std::vector<std::string>{"backbone", "stgan"});
  StganGeneratorOptions stgan;
  CHECK(field_names(std::get<Record>(record.fields()[1].value)) == field_names(record_of(stgan)));
  set_field(record, "stgan.use_stu", "false", "options");
  CHECK_FALSE(options.as<StganGeneratorOptions>().use_stu);
  CHECK_THROWS_WITH(set_field(record, "attgan.enc_dim", "7", "options"), "options: unknown key 'attgan'; known: backbone, stgan");
  // Named again, the backbone keeps the options that it has.
  set_field(record, "backbone", "stgan", "options");
  CHECK_FALSE(options.as<StganGeneratorOptions>().use_stu);
  options.as<StganGeneratorOptions>().conv_dim = 0;
  CHECK_THROWS_WITH(validate(options, "task.photo_generator"), "task.photo_generator.stgan.conv_dim 0 is not positive");
}

TEST_CASE("a network in full has the data's fields between backbone and options, a discriminator has no output", "[core]") {
  GeneratorConfig generator;
  DiscriminatorConfig discriminator;
  CHECK(field_names(record_of(generator)) ==
        std::vector<std::string>{"backbone", "attributes", "image_size", "image_channels", "output", "attgan"});
  CHECK(field_names(record_of(discriminator)) ==
        std::vector<std::string>{"backbone", "attributes", "image_size", "image_channels", "attgan"});
}

TEST_CASE("a field's former name is read, never written, and refused beside the present one", "[core]") {
  Sheet sheet;
  from_json_strict(sheet, nlohmann::json::parse(R"({"headline": "old"})"), "file");
  CHECK(sheet.title == "old");
  CHECK(to_json(sheet)["title"] == "old");
  CHECK_FALSE(to_json(sheet).contains("headline"));
  CHECK_THROWS_WITH(from_json_strict(sheet, nlohmann::json::parse(R"({"headline": "a", "title": "b"})"), "file"),
                    "file: 'headline' and 'title' are one setting: give one of them");
  CHECK_THROWS_WITH(from_json_strict(sheet, nlohmann::json::parse(R"({"headline": 3})"), "file"), "file.headline must be text, found 3");
  BundleInfo info;
  from_json_strict(info, nlohmann::json::parse(R"({"licence": "MIT"})"), "file");
  CHECK(info.license == "MIT");
}

TEST_CASE("a field is set by its path from a command line's text", "[core]") {
  Sheet sheet;
  const Record record = record_of(sheet);
  for (const auto& [path, text] : std::vector<std::pair<std::string, std::string>>{{"pen.width", "0.25"},
                                                                                   {"top", "-3"},
                                                                                   {"shade", "light"},
                                                                                   {"margin", "0.5"},
                                                                                   {"number", "12"},
                                                                                   {"figures", "cat,dog"},
                                                                                   {"folds", "1,-2"},
                                                                                   {"title", "12"},
                                                                                   {"seed", "18446744073709551615"},
                                                                                   {"ruled", "true"}}) {
    set_field(record, path, text, "options");
  }
  CHECK(sheet.pen.width == 0.25);
  CHECK(sheet.frame.top == -3);
  CHECK(sheet.shade == Shade::kLight);
  CHECK(sheet.margin == 0.5);
  CHECK(sheet.number == 12);
  CHECK(sheet.figures == std::vector<std::string>{"cat", "dog"});
  CHECK(sheet.folds == std::vector<int64_t>{1, -2});
  CHECK(sheet.title == "12");
  CHECK(sheet.seed == std::numeric_limits<uint64_t>::max());
  CHECK(sheet.ruled);
  set_field(record, "margin", "null", "options");
  CHECK_FALSE(sheet.margin.has_value());
  CHECK(find_field(record, "pen.width", "options").meaning == "of a line");
  CHECK(std::get<double*>(find_field(record, "pen.width", "options").value) == &sheet.pen.width);
}

TEST_CASE("a path without a field lists the known names, text of another kind names the path", "[core]") {
  CHECK(set_refusal("pan.width", "1") ==
        "options: unknown key 'pan'; known: pen, top, left, strokes, shade, margin, number, figures, "
        "folds, title, seed, ruled");
  CHECK(set_refusal("pen.length", "1") == "options.pen: unknown key 'length'; known: width, strokes");
  CHECK(set_refusal("title.size", "1") == "options.title has no settings below it");
  CHECK(set_refusal("pen", "1") == "options.pen is a table: set its fields one by one");
  CHECK(set_refusal("pen.strokes", "many") == "options.pen.strokes must be an integer, found \"many\"");
  CHECK(set_refusal("pen.strokes", "1.5") == "options.pen.strokes must be an integer, found 1.5");
  CHECK(set_refusal("pen.width", "wide") == "options.pen.width must be a number, found \"wide\"");
  CHECK(set_refusal("ruled", "1") == "options.ruled must be true or false, found 1");
  CHECK(set_refusal("seed", "-1") == "options.seed must be an integer of at least 0, found -1");
  CHECK(set_refusal("folds", "1,two") == "options.folds must be an integer, found \"two\"");
  CHECK(set_refusal("shade", "gray") == "options.shade 'gray' is unknown; known: dark, light");
  Sheet sheet;
  CHECK_THROWS_WITH(find_field(record_of(sheet), "pen.length", "options"), "options.pen: unknown key 'length'; known: width, strokes");
}
