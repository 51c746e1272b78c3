// SPDX-License-Identifier: Apache-2.0
// Folders of pictures: one folder a class, named after it.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "trainer/record_source.h"

namespace ddl {

struct ImageFolders {
  std::string train;
  std::string test;  // "": none
  // Height and width that each picture is resized to; none: all must have those of the first.
  std::optional<std::pair<std::size_t, std::size_t>> size;
  std::size_t channels = 0;  // 1 or 3; 0: all must have those of the first
};

struct LabelledFile {
  std::string path;
  std::int32_t label = 0;
};

// What is there, by name: sorted classes, and the files of each part class by class. Hidden names,
// and files that are not called .png, .jpg, .jpeg, .ppm, .pgm or .pnm, are passed over.
struct ImageListing {
  std::vector<std::string> classes;
  std::vector<LabelledFile> train;
  std::vector<LabelledFile> test;
};

// Throws Error for a folder without classes or pictures, and for a class that only the test has.
[[nodiscard]] ImageListing ListImages(const ImageFolders& folders);

// Rows come in a drawn order, the same for the same names, so that neighbours are of different
// classes. Throws Error with the file for a picture that cannot be read or does not fit.
[[nodiscard]] std::unique_ptr<RecordSource> OpenImages(const ImageFolders& folders,
                                                       ImageListing listing);

}  // namespace ddl
