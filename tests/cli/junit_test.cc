// SPDX-License-Identifier: Apache-2.0
#include "cli/junit.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include <gtest/gtest.h>

#include "cli/output.h"
#include "tests/cli/sample_rows.h"

namespace ddl {
namespace junit_test {

std::vector<JunitCase> Cases() {
  JunitCase passed{test::SampleTrial(1, 0.5, {{"lr", 0.1}, {"kind", "<&\">"}}), false, ""};
  JunitCase failed{test::FailedTrial(2, "exit code 1"), false,
                   "Traceback <module>\n\x1b[31mboom & bust\xff\n"};
  JunitCase broken{test::FailedTrial(3, "supervisor lost"), true, ""};
  JunitCase pruned{test::SampleTrial(4, 0.1, {}), false, ""};
  pruned.trial.state = TrialState::kPruned;
  pruned.trial.reason = "rung 1";
  return {passed, failed, broken, pruned};
}

TEST(XmlText, EscapesMarkupAndReplacesWhatXmlForbids) {
  EXPECT_EQ(XmlText("<a & \"b\">"), "&lt;a &amp; &quot;b&quot;&gt;");
  EXPECT_EQ(XmlText("a\x1b\xff\tb\n"), "a\uFFFD\uFFFD\tb\n");
  EXPECT_EQ(XmlText("größe"), "größe");
  EXPECT_EQ(XmlText("\xef\xbf\xbf"), "\uFFFD");  // U+FFFF
}

TEST(Junit, HasOneCaseATrial) {
  EXPECT_EQ("\n" + JunitText(test::SampleSweep(), Cases()), R"(
<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
  <testsuite name="fashion-mlp" tests="4" failures="1" errors="1" skipped="1" time="49.380">
    <testcase classname="fashion-mlp" name="trial 1: kind=&lt;&amp;&quot;&gt; lr=0.1" time="12.345">
      <system-out>val_accuracy = 0.5</system-out>
    </testcase>
    <testcase classname="fashion-mlp" name="trial 2: optimizer.lr=2" time="12.345">
      <failure type="trial" message="exit code 1">Traceback &lt;module&gt;
�[31mboom &amp; bust�
</failure>
    </testcase>
    <testcase classname="fashion-mlp" name="trial 3: optimizer.lr=2" time="12.345">
      <error type="infrastructure" message="supervisor lost"></error>
    </testcase>
    <testcase classname="fashion-mlp" name="trial 4" time="12.345">
      <skipped message="pruned: rung 1"/>
      <system-out>val_accuracy = 0.1</system-out>
    </testcase>
  </testsuite>
</testsuites>
)");
}

// What a CI system makes of the file: parsed by somebody else's parser.
std::string ParsedByPython(const std::string& path) {
  const std::string script =
      "import sys, xml.etree.ElementTree as E\n"
      "s = E.parse(sys.argv[1]).getroot()[0]\n"
      "print({k: s.attrib[k] for k in ('tests', 'failures', 'errors', 'skipped')})\n"
      "for c in s: print(c.attrib['name'], [e.tag for e in c], [e.get('message') for e in c])\n"
      "print(repr(s[1][0].text))\n";
  const std::string command = "python3 -c \"" + script + "\" " + path;
  const std::unique_ptr<FILE, int (*)(FILE*)> output(popen(command.c_str(), "r"), pclose);
  std::string text = "\n";
  std::array<char, 512> buffer{};
  while (output && fgets(buffer.data(), buffer.size(), output.get()) != nullptr)
    text += buffer.data();
  return text;
}

TEST(Junit, ReadsBackInAnotherParser) {
  std::string folder = "/tmp/ddl-junit-XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  WriteFileWhole(folder + "/junit.xml", JunitText(test::SampleSweep(), Cases()));
  EXPECT_EQ(ParsedByPython(folder + "/junit.xml"), R"(
{'tests': '4', 'failures': '1', 'errors': '1', 'skipped': '1'}
trial 1: kind=<&"> lr=0.1 ['system-out'] [None]
trial 2: optimizer.lr=2 ['failure'] ['exit code 1']
trial 3: optimizer.lr=2 ['error'] ['supervisor lost']
trial 4 ['skipped', 'system-out'] ['pruned: rung 1', None]
'Traceback <module>\n�[31mboom & bust�\n'
)");
  std::filesystem::remove_all(folder);
}

TEST(Junit, OfAThousandTrialsCountsThemAll) {
  std::vector<JunitCase> cases;
  for (int i = 1; i <= 1'000; ++i)
    cases.push_back({test::SampleTrial(i, 0.5, {}), false, ""});
  const std::string text = JunitText(test::SampleSweep(), cases);
  EXPECT_NE(
      text.find("tests=\"1000\" failures=\"0\" errors=\"0\" skipped=\"0\" time=\"12345.000\""),
      std::string::npos);
}

}  // namespace junit_test
}  // namespace ddl
