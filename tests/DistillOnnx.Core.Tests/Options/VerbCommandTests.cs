using DistillOnnx.Stages.Options;

namespace DistillOnnx.Core.Tests.Options;

/// <summary>The command line that all programs share: its syntax, its help, and what it says of mistyped names.</summary>
public sealed class VerbCommandTests
{
    private enum Method
    {
        Standard,
        StepByStep,
    }

    [Fact]
    public void Bind_EverySpelling_GivesTheSameOptions()
    {
        var options = Bind(
            ["jsonl", "--max-steps=3", "--names", "a", "b,c", "--names=d\\,e", "--fast", "--device", "cuda:1", "--rate", "-1.5"]);

        Assert.Equal(
            ("jsonl", 3, true, "cuda:1", -1.5), (options.Source, options.MaxSteps, options.Fast, options.Place.Device, options.Rate));
        Assert.Equal(["a", "b", "c", "d,e"], options.Names);
        Assert.False(Bind(["x", "--fast", "false"]).Fast);
    }

    [Theory]
    [InlineData("unknown option --max-step; did you mean --max-steps?", "x", "--max-step", "3")]
    [InlineData("unknown option --max_steps; did you mean --max-steps?", "x", "--max_steps", "3")]
    [InlineData("--max-steps needs a value: INTEGER", "x", "--max-steps", "--fast")]
    [InlineData("--max-steps is given twice", "x", "--max-steps", "1", "--max-steps", "2")]
    [InlineData("expected standard|step-by-step, found \"step-by-stop\"; did you mean step-by-step?", "x", "--method", "step-by-stop")]
    [InlineData("unexpected argument \"y\"", "x", "y")]
    [InlineData("SOURCE is required", "--fast")]
    public void Bind_BadArguments_SaysWhich(string message, params string[] args) =>
        Assert.Contains(message, Assert.Throws<InputException>(() => Bind(args)).Message, StringComparison.Ordinal);

    [Fact]
    public void Bind_ConfigurationFile_ItemsOfAnArrayAreNotTakenApartAndUnknownKeysAreNamed()
    {
        using var directory = new TestSupport.TemporaryDirectory();
        var path = directory["config.json"];
        File.WriteAllText(path, """{ "sample": { "source": "jsonl", "names": ["a,b", "c"], "device": "cpu" } }""");
        var options = Bind(["--config", path]);
        Assert.Equal(["a,b", "c"], options.Names);
        Assert.Equal("cpu", options.Place.Device);

        File.WriteAllText(path, """{ "source": "jsonl", "max_step": 3 }""");
        Assert.Contains(
            "did you mean max_steps?", Assert.Throws<InputException>(() => Bind(["--config", path])).Message, StringComparison.Ordinal);
        File.WriteAllText(path, """{ "sampel": { "max_steps": 3 } }""");
        Assert.Contains(
            "did you mean sample?", Assert.Throws<InputException>(() => Bind(["x", "--config", path])).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("DISTILL_SAMPLE_MAX_STEP", "did you mean DISTILL_SAMPLE_MAX_STEPS?")]
    [InlineData("DISTILL_SAMPEL_MAX_STEPS", "did you mean DISTILL_SAMPLE_MAX_STEPS?")]
    [InlineData("DISTILL_CONFG", "did you mean DISTILL_CONFIG?")]
    public void Bind_UnknownVariable_IsWarnedOfWithTheNearestName(string name, string message)
    {
        var warnings = new List<string>();
        Bind(["x"], new() { [name] = "3", ["DISTILL_OTHER_ANYTHING"] = "1" }, warnings);

        Assert.Contains(message, Assert.Single(warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void Help_SaysUsageEveryOptionAndDefault()
    {
        var help = Command().Help(100);

        Assert.Contains("Usage: program sample SOURCE [options]", help);
        Assert.Contains("--device TEXT", help);
        Assert.Contains("[default: 100]", help);
        Assert.Contains("--config FILE", help);
        Assert.Contains("DISTILL_SAMPLE_MAX_STEPS", help);
        Assert.All(help.Split('\n'), line => Assert.InRange(line.Length, 0, 101));
    }

    private static VerbCommand Command() => new("sample", "program sample", "Tries options.", typeof(Sample), typeof(ProgramOptions));

    private static Sample Bind(string[] args, Dictionary<string, string>? environment = null, List<string>? warnings = null) =>
        (Sample)Command().Bind(args, environment ?? [], ["sample", "other"], w => warnings?.Add(w)).Options;

    private sealed record Place
    {
        [Option("Device.")]
        public string Device { get; init; } = "auto";
    }

    private sealed record Sample : IStageOptions
    {
        [Option("Source.", Value = "SOURCE", Argument = true, Required = true)]
        public string Source { get; init; } = "";

        [Option("Steps.")]
        public int MaxSteps { get; init; } = 100;

        [Option("Rate.")]
        public double Rate { get; init; }

        [Option("Names.")]
        public IReadOnlyList<string> Names { get; init; } = [];

        [Option("Method.")]
        public Method Method { get; init; }

        [Option("Fast.")]
        public bool Fast { get; init; }

        [OptionGroup]
        public Place Place { get; init; } = new();

        public IReadOnlyList<string> Validate() => [];
    }
}
