// SPDX-License-Identifier: Apache-2.0
#include "trainer/image_folders.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "configs/error.h"
#include "trainer/picture.h"
#include "trainer/random.h"
#include "trainer/split.h"

namespace ddl {

namespace {

constexpr std::uint32_t kImagePart = 101;  // of the purpose kSynthetic, beside made-up data

bool IsPictureName(const std::filesystem::path& path) {
  constexpr std::array<std::string_view, 6> kEndings{".png", ".jpg", ".jpeg",
                                                     ".ppm", ".pgm", ".pnm"};
  std::string ending = path.extension();
  std::ranges::transform(ending, ending.begin(), [](unsigned char c) { return std::tolower(c); });
  return std::ranges::find(kEndings, ending) != kEndings.end();
}

std::vector<std::string> SortedNames(const std::string& folder, bool wants_folders) {
  std::error_code problem;
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder, problem)) {
    const std::string name = entry.path().filename();
    const bool fits = wants_folders ? entry.is_directory()
                                    : entry.is_regular_file() && IsPictureName(entry.path());
    if (!name.starts_with('.') && fits) names.push_back(name);
  }
  if (problem) {
    throw Error(fmt::format("cannot list the folder: {}", problem.message()), folder,
                "name a folder that holds one folder a class");
  }
  std::ranges::sort(names);
  return names;
}

std::vector<LabelledFile> FilesOf(const std::string& folder,
                                  const std::vector<std::string>& classes) {
  std::vector<LabelledFile> files;
  for (const std::string& name : SortedNames(folder, true)) {
    const auto found = std::ranges::lower_bound(classes, name);
    if (found == classes.end() || *found != name) {
      throw Error(fmt::format("the training part has no class '{}'", name), folder,
                  "take the folder out, or train on such pictures too");
    }
    const std::string inner = folder + "/" + name;
    for (const std::string& file : SortedNames(inner, false)) {
      files.push_back({inner + "/" + file, static_cast<std::int32_t>(found - classes.begin())});
    }
  }
  if (files.empty()) {
    throw Error("no pictures", folder,
                "it must hold one folder a class, with PNG, JPEG, PPM or PGM files");
  }
  const std::vector<std::uint32_t> order =
      Permutation({.purpose = RandomPurpose::kSynthetic, .part = kImagePart}, files.size());
  std::vector<LabelledFile> drawn;
  drawn.reserve(files.size());
  for (const std::uint32_t i : order) {
    drawn.push_back(files[i]);
  }
  return drawn;
}

class ImageSource : public RecordSource {
 public:
  ImageSource(const ImageFolders& folders, ImageListing listing)
      : folders_(folders), listing_(std::move(listing)) {
    const LabelledFile& first = *std::ranges::min_element(listing_.train, {}, &LabelledFile::path);
    const Picture picture = ReadPicture(first.path);
    first_ = first.path;
    height_ = folders_.size ? folders_.size->first : picture.height;
    width_ = folders_.size ? folders_.size->second : picture.width;
    channels_ = folders_.channels > 0 ? folders_.channels : picture.channels;
    format_ = {.name = "images",
               .shape = {height_, width_},
               .classes = listing_.classes.size(),
               .class_names = listing_.classes,
               .is_bytes = true,
               .train_rows = listing_.train.size(),
               .test_rows = listing_.test.size()};
    if (channels_ == 3) format_.shape.push_back(3);
  }

  [[nodiscard]] const RecordFormat& Format() const override { return format_; }
  [[nodiscard]] std::string Where(DataPart part) const override {
    return part == DataPart::kTrain ? folders_.train : folders_.test;
  }
  void Read(DataPart part, const Take& take) override {
    for (const LabelledFile& file : part == DataPart::kTrain ? listing_.train : listing_.test) {
      const Picture picture = Fitted(ReadPicture(file.path), file.path);
      take({std::span<const std::uint8_t>(picture.values), std::span(&file.label, 1)});
    }
  }

 private:
  [[nodiscard]] Picture Fitted(Picture picture, const std::string& path) const {
    if (folders_.channels == 0 && picture.channels != channels_) {
      throw Error(fmt::format("{} channels, and {} in {}", picture.channels, channels_, first_),
                  path, "write data.channels: 1 or 3");
    }
    const bool fits = picture.height == height_ && picture.width == width_;
    if (!folders_.size && !fits) {
      throw Error(fmt::format("{} pixels high and {} wide, and {} by {} in {}", picture.height,
                              picture.width, height_, width_, first_),
                  path, "write data.size: [height, width], and pictures are resized");
    }
    picture = WithChannels(std::move(picture), channels_);
    return fits ? picture : Resized(picture, height_, width_);
  }

  ImageFolders folders_;
  ImageListing listing_;
  RecordFormat format_;
  std::string first_;
  std::size_t height_ = 0;
  std::size_t width_ = 0;
  std::size_t channels_ = 0;
};

}  // namespace

ImageListing ListImages(const ImageFolders& folders) {
  ImageListing listing{.classes = SortedNames(folders.train, true)};
  listing.train = FilesOf(folders.train, listing.classes);
  if (!folders.test.empty()) listing.test = FilesOf(folders.test, listing.classes);
  return listing;
}

std::unique_ptr<RecordSource> OpenImages(const ImageFolders& folders, ImageListing listing) {
  return std::make_unique<ImageSource>(folders, std::move(listing));
}

}  // namespace ddl
