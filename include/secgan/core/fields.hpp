#pragma once
/// Option structs say everything about a field once. From the list follow validation, files (JSON, TOML), the command line's flags, the
/// tables of docs/options.md and Python's types.
///
///     struct AdamOptions {
///       double learning_rate = 2e-4;
///       double beta1 = 0.5;
///       static constexpr auto fields() {
///         return std::tuple(field<&AdamOptions::learning_rate>("size of a step", rule::kPositive),
///                           field<&AdamOptions::beta1>("decay of the gradients' running mean", rule::kBelowOne));
///       }
///       void check() const;  // optional: rules between fields
///     };
///
/// A field's name is its member's. Enums name their enumerators by specializing `EnumNames`.

#include <cmath>
#include <concepts>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "secgan/core/error.hpp"
#include "secgan/core/names.hpp"

namespace secgan {

/// Specialize with `static constexpr auto& table` (pairs of name and enumerator) and `static constexpr
/// std::string_view what` (the word used in messages).
template <class Enum>
struct EnumNames;

template <class T>
concept NamedEnum = requires { EnumNames<T>::table; };

/// What a number has to be.
struct Rule {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool low_included = true;
  bool high_included = true;
  double most = std::numeric_limits<double>::infinity();  ///< beyond it no file means what it says; only its refusal names it
  int64_t multiple = 0;                                   ///< 0: of any number
  bool odd = false;

  bool holds(double value) const {
    if (value > most || !single(value)) return false;
    if (!(low_included ? value >= low : value > low) || !(high_included ? value <= high : value < high)) return false;
    const auto divides = [value](double number) { return std::fmod(value, number) == 0; };
    return (multiple == 0 || divides(static_cast<double>(multiple))) && (!odd || !divides(2));
  }

  /// What it asks for, as "positive"; empty where every number will do.
  std::string text() const {
    std::ostringstream out;
    if (multiple != 0) {
      out << "a multiple of " << multiple;
    } else if (odd) {
      out << "odd and positive";
    } else if (std::isfinite(high)) {
      out << "in " << (low_included ? '[' : '(') << low << ", " << high << (high_included ? ']' : ')');
    } else if (low == 0 && !low_included) {
      out << "positive";
    } else if (std::isfinite(low)) {
      out << "at least " << low;
    }
    return out.str();
  }

  /// What is wrong with a value that breaks it, as "is not positive".
  std::string broken(double value) const {
    if (!single(value)) return "is beyond what a float of 32 bits holds";
    if (value > most) return (std::ostringstream() << "is above " << most).str();
    const std::string asked = text();
    if (asked.starts_with("at least ")) return low == 0 ? "is negative" : "is below " + asked.substr(9);
    return "is not " + (asked.empty() ? "a number" : asked);
  }

 private:
  /// Networks, losses and optimizers compute in float32. What is not finite is nobody's number, and told by others.
  static bool single(double value) { return !std::isfinite(value) || std::abs(value) <= std::numeric_limits<float>::max(); }
};

namespace rule {

inline constexpr Rule kAny{};
inline constexpr Rule kPositive{.low = 0, .low_included = false};
inline constexpr Rule kNotNegative{.low = 0};
inline constexpr Rule kStrength{.low = 0, .low_included = false, .most = 100};  ///< of an edit; training shows 1, papers up to 2
// Of a network: channels, attributes, classes, layers, sides.
inline constexpr double kMostExtent = 65536;
inline constexpr Rule kExtent{.low = 0, .low_included = false, .most = kMostExtent};
inline constexpr Rule kExtentOrNone{.low = 0, .most = kMostExtent};
inline constexpr Rule kBelowOne{.low = 0, .high = 1, .high_included = false};                       ///< [0, 1)
inline constexpr Rule kShare{.low = 0, .high = 1};                                                  ///< [0, 1]
inline constexpr Rule kInside{.low = 0, .high = 1, .low_included = false, .high_included = false};  ///< (0, 1)
inline constexpr Rule kPositiveShare{.low = 0, .high = 1, .low_included = false};                   ///< (0, 1]
inline constexpr Rule kOdd{.low = 1, .most = 255, .odd = true};                                     ///< sides of kernels
inline constexpr Rule kLayers{.low = 2, .high = 8};                                                 ///< that halve the side
constexpr Rule at_least(int64_t low) { return {.low = static_cast<double>(low)}; }
constexpr Rule multiple_of(int64_t number) { return {.low = static_cast<double>(number), .most = kMostExtent, .multiple = number}; }

}  // namespace rule

namespace detail {

/// "secgan::AdamOptions" or "&secgan::AdamOptions::beta1" out of a function's own name, less what stands before the last "::".
constexpr std::string_view last_name(std::string_view pretty, std::string_view before) {
  const size_t begin = pretty.find(before) + before.size();
  std::string_view name = pretty.substr(begin, pretty.find_first_of(";]", begin) - begin);
  if (const size_t colon = name.rfind(':'); colon != std::string_view::npos) name.remove_prefix(colon + 1);
  return name;
}

template <auto Member>
constexpr std::string_view member_name() {
  return last_name(__PRETTY_FUNCTION__, "Member = ");
}

template <class Type>
constexpr std::string_view type_name() {
  return last_name(__PRETTY_FUNCTION__, "Type = ");
}

/// The member at the end of a path of members.
template <auto First, auto... Rest>
constexpr auto& member_at(auto& owner) {
  if constexpr (sizeof...(Rest) == 0) {
    return owner.*First;
  } else {
    return member_at<Rest...>(owner.*First);
  }
}

template <auto First, auto... Rest>
constexpr std::string_view path_end() {
  if constexpr (sizeof...(Rest) == 0) {
    return member_name<First>();
  } else {
    return path_end<Rest...>();
  }
}

}  // namespace detail

/// One line of a struct's list: a member, or one further down (`field<&A::b, &B::c>` is called c and stands among A's own).
template <auto... Path>
struct Field {
  std::string_view meaning;
  Rule rule = {};
  std::string_view former_name = {};  ///< that files of earlier versions call it by
};

template <auto... Path>
constexpr Field<Path...> field(std::string_view meaning, Rule rule = {}, std::string_view former_name = {}) {
  return {meaning, rule, former_name};
}

namespace detail {

template <auto Member, auto... Path>
constexpr Field<Member, Path...> below(const Field<Path...>& field) {
  return {field.meaning, field.rule, field.former_name};
}

template <class Owner, class Member>
Member member_type(Member Owner::*);

}  // namespace detail

/// The fields of a member that is an option struct itself, to stand among its owner's:
/// `std::tuple_cat(std::tuple{…}, inlined<&Owner::member>())`.
template <auto Member>
constexpr auto inlined() {
  using Inner = decltype(detail::member_type(Member));
  return std::apply([](const auto&... field) { return std::tuple{detail::below<Member>(field)...}; }, Inner::fields());
}

struct FieldRef;

/// An option struct at run time: its fields, to be read and written. It refers to the struct, which outlives it.
struct Record {
  std::string_view type;  ///< the struct's name
  /// Listed anew at each call: which fields there are may depend on another's value (the options of the chosen backbone do).
  std::function<std::vector<FieldRef>()> fields;
  std::function<void()> check;  ///< rules between fields; may be empty
};

/// An enumerator behind its name.
struct EnumRef {
  std::vector<std::string> names;
  std::function<std::string()> get;
  std::function<void(std::string_view)> set;  ///< the name is one of `names`
};

using FieldValue = std::variant<bool*, int64_t*, uint64_t*, double*, std::optional<int64_t>*, std::optional<double>*, std::string*,
                                std::vector<std::string>*, std::vector<int64_t>*, EnumRef, Record>;

struct FieldRef {
  std::string_view name;
  std::string_view meaning;
  Rule rule;
  std::string_view former_name;
  FieldValue value;
};

/// Option structs: those with a list, and those that make their record themselves.
template <class T>
concept Described = requires { T::fields(); } || requires(T& options) {
  { options.record() } -> std::same_as<Record>;
};

template <Described T>
Record record_of(T& options);

namespace detail {

template <class Value>
FieldValue reference_to(Value& value) {
  if constexpr (NamedEnum<Value>) {
    EnumRef reference;
    for (const auto& [name, entry] : EnumNames<Value>::table) reference.names.emplace_back(name);
    reference.get = [&value] { return name_of(EnumNames<Value>::table, value); };
    reference.set = [&value](std::string_view name) { value = parse_name(EnumNames<Value>::table, name, EnumNames<Value>::what); };
    return reference;
  } else if constexpr (Described<Value>) {
    return record_of(value);
  } else {
    return &value;
  }
}

inline void validate(const Record& record, std::string_view path) {
  for (const FieldRef& field : record.fields()) {
    const std::string name = (path.empty() ? "" : std::string(path) + ".") + std::string(field.name);
    const auto check = [&](auto value) {
      if (field.rule.holds(static_cast<double>(value))) return;
      std::ostringstream message;
      message << name << ' ' << value << ' ' << field.rule.broken(static_cast<double>(value));
      throw InvalidArgument(message.str());
    };
    std::visit(
        [&]<class Value>(const Value& value) {
          if constexpr (std::is_same_v<Value, Record>) {
            validate(value, name);
          } else if constexpr (std::is_same_v<Value, int64_t*> || std::is_same_v<Value, uint64_t*> || std::is_same_v<Value, double*>) {
            check(*value);
          } else if constexpr (std::is_same_v<Value, std::optional<int64_t>*> || std::is_same_v<Value, std::optional<double>*>) {
            if (*value) check(**value);
          }
        },
        field.value);
  }
  if (record.check) record.check();
}

}  // namespace detail

/// One field of an object.
template <auto... Path>
FieldRef field_of(auto& owner, const Field<Path...>& field) {
  return {detail::path_end<Path...>(), field.meaning, field.rule, field.former_name,
          detail::reference_to(detail::member_at<Path...>(owner))};
}

template <Described T>
Record record_of(T& options) {
  if constexpr (requires { T::fields(); }) {
    Record record;
    record.type = detail::type_name<T>();
    record.fields = [&options] {
      return std::apply([&options](const auto&... field) { return std::vector<FieldRef>{field_of(options, field)...}; }, T::fields());
    };
    if constexpr (requires { options.check(); }) record.check = [&options] { options.check(); };
    return record;
  } else {
    return options.record();
  }
}

/// Holds every field against its rule, nested structs included, then the rules between fields.
/// @param path  first words of a message, as "task.loader"
/// @throws InvalidArgument: "task.loader.batch 0 is not positive"
template <Described T>
void validate(const T& options, std::string_view path = {}) {
  T copy = options;  // a record refers to what can be written
  detail::validate(record_of(copy), path);
}

/// The same options, once they are validated: for a constructor's member initializers.
template <Described T>
T checked(T options) {
  validate(options);
  return options;
}

}  // namespace secgan
