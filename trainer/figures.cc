// SPDX-License-Identifier: Apache-2.0
#include "trainer/figures.h"

#include <algorithm>
#include <numeric>
#include <optional>

#include <fmt/format.h>

namespace ddl {

namespace {

constexpr std::size_t kNameWidth = 24;

Json OrNull(const std::optional<double>& figure) {
  return figure ? Json(*figure) : Json();
}

std::string Shown(const std::optional<double>& figure) {
  return figure ? fmt::format("{:.4f}", *figure) : "-";
}

// Names come from data: on one line, without controls, cut between characters.
std::string NameOfClass(const FiguresSource& source, std::size_t number) {
  if (number >= source.class_names.size()) return fmt::format("{}", number);
  std::string name;
  for (const char c : source.class_names[number]) {
    const auto byte = static_cast<unsigned char>(c);
    const bool begins = (byte & 0xC0U) != 0x80U;
    if (begins && name.size() >= kNameWidth - 1) return name + "~";
    name += byte < ' ' || byte == 0x7F ? '?' : c;
  }
  return name;
}

Json MatrixOf(const Confusion& confusion) {
  Json matrix = Json::array();
  for (std::size_t label = 0; label < confusion.Classes(); ++label) {
    Json line = Json::array();
    for (std::size_t answer = 0; answer < confusion.Classes(); ++answer) {
      line.push_back(confusion.Count(label, answer));
    }
    matrix.push_back(std::move(line));
  }
  return matrix;
}

// Those that the table shows: all in order, or the worst, which come first.
std::vector<std::size_t> ShownClasses(const Confusion& confusion) {
  std::vector<std::size_t> classes(confusion.Classes());
  std::iota(classes.begin(), classes.end(), std::size_t{0});
  if (classes.size() <= kMostTableClasses) return classes;
  std::erase_if(classes, [&](std::size_t c) { return !confusion.Of(c).f1; });
  std::ranges::stable_sort(classes, [&](std::size_t a, std::size_t b) {
    return *confusion.Of(a).f1 < *confusion.Of(b).f1;
  });
  classes.resize(std::min(classes.size(), kMostTableClasses));
  return classes;
}

// "Shirt 112": the class that rows of this one were most often taken for.
std::string MostTakenFor(const std::vector<Mistake>& mistakes, std::size_t label,
                         const FiguresSource& source) {
  const auto found = std::ranges::find(mistakes, label, &Mistake::label);
  if (found == mistakes.end()) return "";
  return fmt::format("{} {}", NameOfClass(source, found->answer), found->rows);
}

}  // namespace

Json FiguresJson(const Confusion& confusion, const FiguresSource& source) {
  Json classes = Json::array();
  for (std::size_t c = 0; c < confusion.Classes(); ++c) {
    const ClassFigures figures = confusion.Of(c);
    Json line{{"class", c},
              {"support", figures.support},
              {"answers", figures.answers},
              {"precision", OrNull(figures.precision)},
              {"recall", OrNull(figures.recall)},
              {"f1", OrNull(figures.f1)}};
    if (c < source.class_names.size()) line["name"] = source.class_names[c];
    classes.push_back(std::move(line));
  }
  Json mistakes = Json::array();
  for (const Mistake& mistake : confusion.Mistakes(kMostMistakes)) {
    mistakes.push_back(
        {{"label", mistake.label}, {"answer", mistake.answer}, {"rows", mistake.rows}});
  }
  Json json{{"part", source.part},
            {"rows", confusion.Rows()},
            {"accuracy", confusion.Accuracy()},
            {"macro_f1", confusion.MacroF1()},
            {"classes", std::move(classes)},
            {"mistakes", std::move(mistakes)}};
  if (confusion.Classes() <= kMostMatrixClasses) json["confusion"] = MatrixOf(confusion);
  return json;
}

std::string FiguresTable(const Confusion& confusion, const FiguresSource& source) {
  const std::vector<std::size_t> shown = ShownClasses(confusion);
  const std::vector<Mistake> mistakes =
      confusion.Mistakes(confusion.Classes() * confusion.Classes());
  std::string text =
      fmt::format("{} rows of {}: accuracy {:.4f}, macro F1 {:.4f}", confusion.Rows(), source.part,
                  confusion.Accuracy(), confusion.MacroF1());
  if (shown.size() < confusion.Classes()) {
    text += fmt::format("; the {} of {} classes with the lowest F1:", shown.size(),
                        confusion.Classes());
  }
  text += fmt::format("\n{:<{}}  {:>9}  {:>7}  {:>7}  {:>7}  most taken for", "class", kNameWidth,
                      "precision", "recall", "F1", "rows");
  for (const std::size_t c : shown) {
    const ClassFigures figures = confusion.Of(c);
    text += fmt::format("\n{:<{}}  {:>9}  {:>7}  {:>7}  {:>7}  {}", NameOfClass(source, c),
                        kNameWidth, Shown(figures.precision), Shown(figures.recall),
                        Shown(figures.f1), figures.support, MostTakenFor(mistakes, c, source));
    text.erase(text.find_last_not_of(' ') + 1);
  }
  return text;
}

}  // namespace ddl
