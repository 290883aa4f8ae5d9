// The command line: defaults, values, and a sentence for every mistake.
#include "cli/parse.hpp"

#include <map>

#include <gtest/gtest.h>

#include <parsed.hpp>
#include <support.hpp>

namespace paceline {
namespace {

using test::parsed;

Command fractal(std::vector<std::string> words) {
  words.insert(words.begin(), "fractal");
  return parsed(std::move(words));
}

TEST(Parse, HasTheDefaultsOfTheInterface) {
  const auto command = fractal({});
  ASSERT_EQ(command.kind, Command::Kind::run);
  const auto& run = command.run;
  EXPECT_EQ(run.name, "fractal");
  EXPECT_TRUE(run.output.empty());
  EXPECT_FALSE(run.force || run.resume || run.verify || run.dry_run || run.json);
  EXPECT_EQ(run.threads, 0);
  EXPECT_EQ(run.schedule, Schedule::dynamic);
  EXPECT_EQ(run.gather, Gather::parallel);
  EXPECT_EQ(run.chunk, 0);
  EXPECT_EQ(run.memory_limit, std::int64_t{512} << 20);
  EXPECT_EQ(run.save_every_s, 30);
  EXPECT_EQ(run.watchdog_s, 0);
  EXPECT_EQ(run.progress, ProgressMode::automatic);
  // The lessons' image.
  const auto& shape = run.workload->shape();
  EXPECT_EQ(shape.dims, (std::vector<std::int64_t>{4000, 3000}));
  EXPECT_EQ(shape.type, ElementType::uint8);
  EXPECT_EQ(shape.axes[0].values.front(), -1.0);
  EXPECT_EQ(shape.axes[1].values.front(), -1.5);
  EXPECT_EQ(run.workload->parts().drawn_files, nullptr);
}

TEST(Parse, TakesEveryOption) {
  const auto run = fractal({"-o",        "f.h5",       "--force",       "--threads",
                            "3",         "--schedule", "weighted",      "--chunk",
                            "7",         "--gather",   "root",          "--memory-limit",
                            "64MiB",     "--verify",   "--watchdog",    "2.5",
                            "--dry-run", "--progress", "never",         "--json",
                            "--rows",    "5",          "--cols",        "4",
                            "--re",      "-2:2",       "--im=-.5:1e-3", "--max-iter",
                            "300",       "--formula",  "julia",         "--julia-c",
                            "-0.8,0.2",  "--interior", "plain",         "--png",
                            "f.png",     "--colormap", "magma",         "--save-every",
                            "1.5"})
                       .run;
  EXPECT_EQ(run.output, "f.h5");
  EXPECT_TRUE(run.force && run.verify && run.dry_run && run.json);
  EXPECT_EQ(run.threads, 3);
  EXPECT_EQ(run.schedule, Schedule::weighted);
  EXPECT_EQ(run.chunk, 7);
  EXPECT_EQ(run.gather, Gather::root);
  EXPECT_EQ(run.memory_limit, std::int64_t{64} << 20);
  EXPECT_EQ(run.watchdog_s, 2.5);
  EXPECT_EQ(run.save_every_s, 1.5);
  EXPECT_EQ(run.progress, ProgressMode::never);
  const auto& shape = run.workload->shape();
  EXPECT_EQ(shape.dims, (std::vector<std::int64_t>{5, 4}));
  EXPECT_EQ(shape.type, ElementType::uint16);
  EXPECT_EQ(shape.axes[0].values.front(), -0.5);
  EXPECT_EQ(shape.axes[1].values.back(), 2.0);
  ASSERT_NE(run.workload->parts().drawn_files, nullptr);
  EXPECT_EQ(run.workload->parts().drawn_files->drawn_paths(), std::vector<std::filesystem::path>{"f.png"});
  EXPECT_NE(run.workload->traits().kernel.find("julia"), std::string::npos);
  EXPECT_NE(run.workload->traits().kernel.find("plain"), std::string::npos);
}

TEST(Parse, KnowsTheOtherCommands) {
  EXPECT_EQ(parsed({"info"}).kind, Command::Kind::info);
  const auto plot = parsed({"plot", "f.h5", "-o", "f.svg", "--force"});
  ASSERT_EQ(plot.kind, Command::Kind::plot);
  EXPECT_EQ(plot.plot.inputs.front(), "f.h5");
  EXPECT_EQ(plot.plot.output, "f.svg");
  EXPECT_TRUE(plot.plot.force);
}

TEST(Parse, AnswersHelpAndVersion) {
  const auto version = parsed({"--version"});
  EXPECT_EQ(version.kind, Command::Kind::text);
  EXPECT_EQ(version.text, "paceline " PACELINE_VERSION "\n");
  const auto all = parsed({"--help"}).text;
  std::size_t at = 0;
  for (const char* part :
       {"Compute", "fractal", "Measure", "study", "follows", "fit", "Look", "info", "Exit codes: 0"}) {
    at = all.find(part, at);
    EXPECT_NE(at, std::string::npos) << part << " is not where it belongs in\n" << all;
  }
  EXPECT_EQ(all.find("write-documents"), std::string::npos) << "it is the build's";
  const auto help = fractal({"--help"});
  EXPECT_EQ(help.kind, Command::Kind::text);
  for (const char* option : {"--rows", "--schedule", "--memory-limit", "--colormap", "4000", "512MiB", "dynamic"}) {
    EXPECT_NE(help.text.find(option), std::string::npos) << option;
  }
}

TEST(Parse, UnderstandsSizes) {
  EXPECT_EQ(fractal({"--memory-limit", "1000"}).run.memory_limit, 1000);
  EXPECT_EQ(fractal({"--memory-limit", "2GiB"}).run.memory_limit, std::int64_t{2} << 30);
  EXPECT_EQ(fractal({"--memory-limit", "3 kib"}).run.memory_limit, 3072);
}

TEST(Parse, QuotesTheCommandForAShell) {
  const auto run = fractal({"--re", "-2:1", "--png", "it's a *.png", "--colormap", "magma"}).run;
  EXPECT_EQ(run.command, R"(paceline fractal --re -2:1 --png 'it'\''s a *.png' --colormap magma)");
}

TEST(Parse, ReadsNumbersInDecimal) {
  const auto run = fractal({"--rows", "010", "--cols", "+0012", "--max-iter=099", "--threads", "08", "--chunk", "007",
                            "--memory-limit", "010KiB", "--watchdog", "010"})
                       .run;
  EXPECT_EQ(run.workload->shape().dims, (std::vector<std::int64_t>{10, 12}));
  EXPECT_EQ(run.threads, 8);
  EXPECT_EQ(run.chunk, 7);
  EXPECT_EQ(run.memory_limit, 10240);
  EXPECT_EQ(run.watchdog_s, 10);
  EXPECT_EQ(parsed({"array", "--size", "0100"}).run.workload->shape().dims, std::vector<std::int64_t>{100});
  EXPECT_EQ(parsed({"tasks", "--count", "0100"}).run.workload->shape().dims, std::vector<std::int64_t>{100});
}

TEST(Parse, ReadsEveryKindOfOptionOfAWorkload) {
  // Whole numbers, shares, names, texts, sizes, flags either way, and what follows the options.
  const auto attributes_of = [](const Workload& workload) {
    std::map<std::string, AttributeValue> values(workload.shape().attributes.begin(),
                                                 workload.shape().attributes.end());
    return values;
  };
  const auto array = parsed({"array", "--op", "triad", "--size", "100", "--seed", "5", "--memory", "shared"}).run;
  EXPECT_EQ(array.workload->parts().inputs->input_memory(), InputMemory::per_node);
  EXPECT_EQ(attributes_of(*array.workload).at("seed"), AttributeValue(std::int64_t{5}));
  EXPECT_EQ(parsed({"array"}).run.workload->parts().inputs->input_memory(), InputMemory::per_rank);
  const auto calibrate = parsed({"calibrate", "--serial", "0.25"}).run;
  EXPECT_EQ(attributes_of(*calibrate.workload).at("serial_fraction"), AttributeValue(0.25));
  EXPECT_FALSE(parsed({"tasks", "--unordered"}).run.workload->traits().is_ordered);
  EXPECT_TRUE(parsed({"tasks", "--ordered"}).run.workload->traits().is_ordered);
  EXPECT_TRUE(parsed({"tasks"}).run.workload->traits().is_ordered);
  const auto fetch = parsed({"fetch", "http://a", "http://b", "--parallel", "5", "http://c"}).run;
  EXPECT_EQ(fetch.workload->shape().items(), 3);
  EXPECT_EQ(fetch.workload->parts().waiting->workers({0, 1, 1}), 5);
  EXPECT_EQ(parsed({"table", "f.csv", "--range", "2KiB"}).run.workload->parts().scanned_file->scanned_path(), "f.csv");
}

TEST(Parse, ListsEveryOptionOfAWorkloadInItsHelp) {
  for (const auto& entry : workloads()) {
    OptionSet set;
    const auto workload = entry.make();
    workload->add_options(set);
    const auto help = parsed({entry.name, "--help"}).text;
    for (const auto& option : set.options()) {
      EXPECT_NE(help.find(option.name), std::string::npos) << entry.name << " " << option.name;
      EXPECT_NE(help.find(option.help.substr(0, 20)), std::string::npos) << entry.name << " " << option.help;
      EXPECT_NE(help.find(option.shown_value), std::string::npos) << entry.name << " " << option.shown_value;
    }
  }
}

struct Mistake {
  std::vector<std::string> words;
  std::string part;  ///< of the sentence
};

TEST(Parse, SaysWhatIsWrongInASentence) {
  const std::string nothing;
  const std::vector<Mistake> mistakes = {
      {{}, "subcommand is required"},
      {{"fractle", "--rows", "5"}, "there is no command fractle); did you mean fractal?"},
      {{"nonsense"}, "there is no command nonsense); `paceline --help`"},
      {{"fractal", "--treads", "2"}, "there is no option --treads); did you mean --threads? `paceline fractal --help`"},
      {{"fractal", "--chnk=2"}, "did you mean --chunk?"},
      {{"fractal", "--nonsense", "2"}, "--nonsense"},
      {{"fractal", "--formula", "mandelbrod"}, "did you mean mandelbrot?"},
      {{"completion", "csh"}, "csh is not one of bash, zsh, fish"},
      {{"fractal", "--row", "5"}, "--row"},
      {{"fractal", "extra"}, "extra"},
      {{"fractal", "info"}, "info"},
      {{"fractal", "--rows"}, "--rows"},
      {{"fractal", "--rows", "0"}, "--rows"},
      {{"fractal", "--rows", "-1"}, "--rows"},
      {{"fractal", "--rows", "1000000000000"}, "--rows"},
      {{"fractal", "--rows", "99999999999999999999"}, "--rows"},
      {{"fractal", "--rows", "1.5"}, "--rows"},
      {{"fractal", "--rows", "many"}, "--rows"},
      {{"fractal", "--cols", "0"}, "--cols"},
      {{"fractal", "--max-iter", "0"}, "--max-iter"},
      {{"fractal", "--max-iter", "9007199254740993"}, "--max-iter"},
      {{"fractal", "--re", "1:1"}, "the range is empty"},
      {{"fractal", "--re", "nan:0"}, "not finite"},
      {{"fractal", "--re", "0:nan"}, "not finite"},
      {{"fractal", "--im", "0:inf"}, "not finite"},
      {{"fractal", "--im", "0"}, "not two numbers"},
      {{"fractal", "--im", "0:1:2"}, "not two numbers"},
      {{"fractal", "--im", "0,1"}, "not two numbers"},
      {{"fractal", "--im", nothing}, "--im"},
      {{"fractal", "--re=-1e308:1e308"}, "the range overflows"},
      {{"fractal", "--formula", "newton"}, "--formula"},
      {{"fractal", "--julia-c", "0.5"}, "not two numbers"},
      {{"fractal", "--julia-c", "nan,0"}, "not finite"},
      {{"fractal", "--interior", "guess"}, "--interior"},
      {{"fractal", "--colormap", "jet"}, "--colormap"},
      {{"fractal", "--threads", "0"}, "--threads"},
      {{"fractal", "--threads", "-2"}, "--threads"},
      {{"fractal", "--schedule", "guided"}, "--schedule"},
      {{"fractal", "--chunk", "0"}, "--chunk"},
      {{"fractal", "--gather", "all"}, "--gather"},
      {{"fractal", "--memory-limit", "0"}, "--memory-limit"},
      {{"fractal", "--memory-limit", "lots"}, "--memory-limit"},
      {{"fractal", "--memory-limit", "5 parsecs"}, "--memory-limit"},
      {{"fractal", "--memory-limit", "-5MiB"}, "--memory-limit"},
      {{"fractal", "--memory-limit", "16EiB"}, "--memory-limit"},
      {{"fractal", "--watchdog", "-1"}, "--watchdog"},
      {{"fractal", "--watchdog", "nan"}, "--watchdog"},
      {{"fractal", "--save-every", "0"}, "--save-every"},
      {{"fractal", "--save-every", "nan"}, "--save-every"},
      {{"fractal", "--progress", "sometimes"}, "--progress"},
      {{"fractal", "--force", "--resume"}, "--resume"},
      {{"fractal", "-o"}, "--output"},
      {{"fractal", "-o", nothing}, "--output: the value is empty"},
      {{"fractal", "--png", nothing}, "--png: the value is empty"},
      {{"fractal", "--rows", nothing}, "--rows: the value is empty"},
      {{"fractal", "--rows", "00"}, "--rows"},
      {{"array", "--input", nothing}, "--input: the value is empty"},
      {{"plot", nothing, "-o", "f.png"}, "the value is empty"},
      {{"tasks", "--ordered", "--unordered"}, "--unordered"},
      {{"array", "--op", "divide"}, "divide"},
      {{"array", "--memory", "none"}, "private"},
      {{"array", "--size", "5", "--input", "f.h5:x,y"}, "--input"},
      {{"calibrate", "--serial", "1.5"}, "--serial"},
      {{"table"}, "file"},
      {{"table", "f.csv", "--range", "lots"}, "--range"},
      {{"table", "f.csv", "--range", "2GiB"}, "--range"},
      {{"fetch", "http://a", "--from", "list"}, "--from"},
      {{"fetch", "http://a", "--retries", "1001"}, "--retries"},
      {{"fetch"}, "no URL is given"},
      {{"plot"}, "file"},
      {{"plot", "f.h5"}, "--output"},
      {{"info", "--rows", "5"}, "--rows"},
  };
  for (const auto& [words, part] : mistakes) {
    std::string line;
    for (const auto& word : words) line += " '" + word + "'";
    SCOPED_TRACE(line);
    const auto error = test::error_of([&] { parsed(words); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), ErrorKind::usage);
    EXPECT_TRUE(test::says(*error, part)) << error->what();
    EXPECT_FALSE(test::says(*error, "\n")) << error->what();
    EXPECT_TRUE(test::says(*error, "; ")) << "there is a suggestion: " << error->what();
  }
}

}  // namespace
}  // namespace paceline
