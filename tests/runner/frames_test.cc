// SPDX-License-Identifier: Apache-2.0
#include "runner/frames.h"

#include <limits>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "runner/crc32c.h"
#include "runner/wire.h"

namespace ddl {
namespace frames_test {

const RankId kRank{{17}, 2};

LaunchRecord SampleLaunch() {
  return {.id = kRank,
          .token = "0123456789abcdef",
          .sweep = "a \"sweep\"\n",
          .trial = {5},
          .trial_number = 4,
          .attempt = 3,
          .argv = {"/bin/sh", "-c", "exit 0", ""},
          .env = {{"A", "1"}, {"B", std::string("\0x", 2)}},
          .workdir = "/w",
          .params_json = "{}",
          .checkpoint_name = "s/4",
          .slots = {{{0, 0, 1000}, {3, 250, 50}}, {{"GPU-1", 1, 0, 500}}, 4096},
          .captures = {{"acc", "acc=(.*)"}},
          .timeout = std::chrono::milliseconds(1500),
          .grace = std::chrono::milliseconds(10),
          .worker = {"trainer", "--lanes"},
          .lanes = 8};
}

std::vector<ToHost> AllToHost() {
  return {Hello{"store", 7, true, "box:/store"},
          Launch{SampleLaunch()},
          Adopt{kRank, "t", 99, {{{0, 0, 500}}, {}, 4}},
          Order{kRank, OrderKind::kControl, "{\"stop\": 1}"},
          Ack{kRank, 1LL << 40, true},
          Settled{kRank},
          GetFile{1, "a/b", 2, 3},
          PutFile{1, "a/b", 2, std::string("\0\xff", 2), true, "ab"},
          Heartbeat{12},
          OfferCode{"c0de", 12},
          CodeBytes{std::string("a\0b", 3)},
          Recall{kRank}};
}

std::vector<FromHost> AllFromHost() {
  ExitRecord exit{.id = kRank, .token = "t", .cause = EndCause::kSignaled};
  exit.signal = 9;
  exit.detail = "killed";
  exit.metric_names = {"loss", "acc"};
  HostFacts facts{.hostname = "h", .machine_id = "m", .boot_id = "b", .folder = "/f"};
  facts.cores = {0, 1, 5};
  facts.gpus = {{0, "GPU-1", "H100", 80000, 12, true}};
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  return {
      Welcome{facts, {{kRank, "t", FoundState::kExited}}},
      Refused{"no", 4, "do"},
      Started{{kRank, "t", {"boot", 11, 22}, 12, 1234}, 56},
      SlotBusy{kRank, "t", "core 3: ann", {{3, 0, 1000}}, {}},
      Metrics{kRank, {{1, -5, 10, {{"loss", 0.5}, {"best", -kInfinity}}}, {2, 6, 11, {}}}},
      Exited{exit},
      FileChunk{1, 2, "bytes", true, ""},
      PutFileReply{1, 2, true, "full"},
      Notice{"hello"},
      Heartbeat{1},
      FactsChanged{facts},
      CodeNews{"c0de", CodeStage::kFiles, {0, 7}, 3, 4, 5, "/f/code", "full"}};
}

template <class Message>
std::string Framed(const std::vector<Message>& messages) {
  std::string bytes;
  for (const Message& message : messages)
    AppendFrame(message, bytes);
  return bytes;
}

TEST(Frames, EveryMessageToAHostReadsBack) {
  FrameReader reader;
  reader.Add(Framed(AllToHost()));
  for (const ToHost& sent : AllToHost()) {
    const auto read = reader.Next<ToHost>();
    ASSERT_TRUE(read) << reader.Problem();
    ASSERT_EQ(read->index(), sent.index());
    std::string again;
    AppendFrame(*read, again);
    EXPECT_EQ(again, Framed<ToHost>({sent}));
  }
  EXPECT_FALSE(reader.Next<ToHost>());
  EXPECT_EQ(reader.Problem(), "");
}

TEST(Frames, EveryMessageFromAHostReadsBack) {
  FrameReader reader;
  reader.Add(Framed(AllFromHost()));
  for (const FromHost& sent : AllFromHost()) {
    const auto read = reader.Next<FromHost>();
    ASSERT_TRUE(read) << reader.Problem();
    EXPECT_TRUE(*read == sent) << "alternative " << sent.index();
  }
}

TEST(Frames, AnEnumeratorTakesFourBytes) {
  std::string bytes;
  WireWriter write(bytes);
  write(OrderKind::kControl);
  EXPECT_EQ(bytes.size(), 4U);
  const std::string beyond("\0\1\0\0", 4);
  WireReader read(beyond);
  OrderKind kind{};
  read(kind);
  EXPECT_FALSE(read.IsWhole()) << "a number that is no enumerator is not cut down to one";
}

TEST(Frames, MayArriveByteByByte) {
  FrameReader reader;
  std::size_t count = 0;
  for (const char byte : Framed(AllFromHost())) {
    reader.Add({&byte, 1});
    while (reader.Next<FromHost>())
      ++count;
  }
  EXPECT_EQ(count, AllFromHost().size());
}

TEST(Frames, AFlippedBitEndsTheStream) {
  const std::string bytes = Framed<ToHost>({Launch{SampleLaunch()}});
  for (std::size_t bit = 32; bit < bytes.size() * 8; bit += 7) {
    std::string damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    FrameReader reader;
    reader.Add(damaged);
    EXPECT_FALSE(reader.Next<ToHost>());
    EXPECT_EQ(reader.Problem(), "a frame is damaged") << "bit " << bit;
  }
}

TEST(Frames, AnImpossibleSizeIsRefusedAtOnce) {
  FrameReader reader;
  reader.Add("\xff\xff\xff\x7f\x00\x00\x00\x00");
  reader.Add(std::string(8, '\0'));
  EXPECT_FALSE(reader.Next<ToHost>());
  EXPECT_EQ(reader.Problem(), "a frame claims 2147483647 bytes");
}

TEST(Frames, RandomBytesWithARightChecksumNeverCrash) {
  std::mt19937 random(7);  // NOLINT(cert-msc51-cpp): the same bytes every time
  for (int round = 0; round < 20'000; ++round) {
    std::string body(1 + random() % 200, '\0');
    for (char& byte : body)
      byte = static_cast<char>(random() % 7 == 0 ? random() : random() % 3);
    const auto size = static_cast<std::uint32_t>(body.size());
    const std::uint32_t checksum = Crc32c(body);
    std::string frame(8, '\0');
    std::memcpy(frame.data(), &size, 4);
    std::memcpy(frame.data() + 4, &checksum, 4);
    FrameReader reader;
    reader.Add(frame + body);
    const bool read = reader.Next<ToHost>().has_value();
    EXPECT_NE(read, !reader.Problem().empty());
  }
}

TEST(Crc, HasThePublishedCheckValue) {
  EXPECT_EQ(Crc32c("123456789"), 0xE3069283U);
  EXPECT_EQ(Crc32c(""), 0U);
}

}  // namespace frames_test
}  // namespace ddl
