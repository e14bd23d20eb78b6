using System.Text.Json.Nodes;
using DistillOnnx.Stages.Options;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Core.Tests.Options;

public sealed class OptionBinderTests
{
    private static readonly string[] Verbs = ["train", "evaluate", "export"];
    private static readonly Dictionary<string, IReadOnlyList<string>> NoFlags = [];

    [Fact]
    public void Bind_NothingSaid_KeepsDefaults()
    {
        var options = Bind(Flags(("--data", ["d"])));
        Assert.Equal(new Sample { Data = "d" } with { Precisions = options.Precisions }, options);
        Assert.Empty(options.Precisions);
    }

    [Fact]
    public void Bind_AllSources_FlagBeatsConfigurationBeatsEnvironment()
    {
        var configuration = new JsonObject { ["max_steps"] = 20, ["learning_rate"] = 0.5, ["data"] = "c" };
        var options = Bind(Flags(("--max-steps", ["30"])), configuration, new()
        {
            ["DISTILL_SAMPLE_MAX_STEPS"] = "10",
            ["DISTILL_SAMPLE_LEARNING_RATE"] = "0.1",
            ["DISTILL_SAMPLE_METHOD"] = "step-by-step",
        });
        Assert.Equal((30, 0.5, Method.StepByStep, "c"), (options.MaxSteps, options.LearningRate, options.Method, options.Data));
    }

    [Theory]
    [InlineData("--max-steps", "ten", "INTEGER")]
    [InlineData("--learning-rate", "NaN", "NUMBER")]
    [InlineData("--method", "magic", "standard|step-by-step")]
    public void Bind_ValueOfWrongType_SaysWhatWasExpected(string flag, string value, string expected)
    {
        var error = Assert.Throws<InputException>(() => Bind(Flags(("--data", ["d"]), (flag, [value]))));
        Assert.Contains(flag, error.Message);
        Assert.Contains(expected, error.Message);
        Assert.Contains(value, error.Message);
    }

    [Theory]
    [InlineData("step-by-step")]
    [InlineData("step_by_step")]
    public void Bind_NameOfSeveralWords_MayHaveHyphensOrUnderscores(string value) =>
        Assert.Equal(Method.StepByStep, Bind(Flags(("--data", ["d"]), ("--method", [value]))).Method);

    [Fact]
    public void Bind_SeveralFaults_ReportsAllInOneMessage()
    {
        var error = Assert.Throws<InputException>(() => Bind(Flags(("--max-steps", ["x"])), new JsonObject { ["colour"] = "red" }));
        Assert.Contains("--data is required", error.Message);
        Assert.Contains("--max-steps", error.Message);
        Assert.Contains("unknown option \"colour\"", error.Message);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public void Bind_FaultFoundByTheStage_IsAnInputFault()
    {
        var error = Assert.Throws<InputException>(() => Bind(Flags(("--data", ["d"]), ("--max-steps", ["-1"]))));
        Assert.Contains("--max-steps must be at least 1", error.Message);
    }

    [Fact]
    public void Bind_Switch_StandsAloneOrTakesAWord()
    {
        Assert.True(Bind(Flags(("--data", ["d"]), ("--overwrite", []))).Overwrite);
        Assert.False(Bind(Flags(("--data", ["d"]), ("--overwrite", ["false"]))).Overwrite);
    }

    [Fact]
    public void Bind_List_TakesRepeatedAndCommaSeparatedValues()
    {
        Assert.Equal(["a", "b", "c"], Bind(Flags(("--data", ["d"]), ("--precisions", ["a,b", "c"]))).Precisions);
        var configuration = new JsonObject { ["data"] = "d", ["precisions"] = new JsonArray("x", "y") };
        Assert.Equal(["x", "y"], Bind(NoFlags, configuration).Precisions);
    }

    [Fact]
    public void Bind_Secret_ComesFromEnvironmentOrFileOnly()
    {
        Assert.Equal("s3cret", Bind(Flags(("--data", ["d"])), null, new() { ["DISTILL_SAMPLE_API_KEY"] = "s3cret" }).ApiKey);
        var path = Path.GetTempFileName();
        File.WriteAllText(path, "from-file\n");
        Assert.Equal("from-file", Bind(Flags(("--data", ["d"]), ("--api-key-file", [path]))).ApiKey);
        File.Delete(path);
        var error = Assert.Throws<InputException>(() => Bind(NoFlags, new JsonObject { ["data"] = "d", ["api_key"] = "s3cret" }));
        Assert.DoesNotContain("s3cret", error.Message);
    }

    [Fact]
    public void LoadConfiguration_FileForTheWholeLine_GivesTheStagesPart()
    {
        using var directory = new TemporaryDirectory();
        var path = directory["config.json"];
        File.WriteAllText(path, "\uFEFF" + """{"train": {"max_steps": 7}, /* of the bundle */ "export": {"precision": "int8"},}""");
        Assert.Equal(7, (int)ConfigurationFile.Load(path, Verbs).Section("train")!["max_steps"]!);
        Assert.Null(ConfigurationFile.Load(path, Verbs).Section("evaluate"));
        File.WriteAllText(path, """{"max_steps": 8}""");
        Assert.Equal(8, (int)ConfigurationFile.Load(path, Verbs).Section("train")!["max_steps"]!);
    }

    [Theory]
    [InlineData("{ \"max_steps\": ", "not JSON")]
    [InlineData("[]", "expected a JSON object")]
    [InlineData("{\"seed\": 1, \"train\": {}}", "found \"seed\"")]
    [InlineData("{\"trian\": {\"max_steps\": 7}}", "found \"trian\"")]
    [InlineData("{\"seed\": 1, \"seed\": 2}", "seed")]
    public void LoadConfiguration_FileThatMakesNoSense_IsNamed(string content, string message)
    {
        using var directory = new TemporaryDirectory();
        var path = directory["config.json"];
        File.WriteAllText(path, content);

        var error = Assert.Throws<InputException>(() => ConfigurationFile.Load(path, Verbs));

        Assert.StartsWith(path, error.Message);
        Assert.Contains(message, error.Message);
        Assert.DoesNotContain('\n', error.Message);
    }

    private static Dictionary<string, IReadOnlyList<string>> Flags(params (string Flag, string[] Values)[] flags) =>
        flags.ToDictionary(f => f.Flag, f => (IReadOnlyList<string>)f.Values);

    private static Sample Bind(
        Dictionary<string, IReadOnlyList<string>> flags, JsonObject? configuration = null, Dictionary<string, string>? environment = null)
    {
        var faults = new List<string>();
        var options = new OptionBinder(typeof(Sample), "sample").Bind(flags, configuration, "config.json", environment ?? [], faults);
        if (faults.Count == 0) faults.AddRange(options.Validate());
        return faults.Count == 0 ? (Sample)options : throw new InputException(string.Join("; ", faults));
    }

    private enum Method
    {
        Standard,
        StepByStep,
    }

    private sealed record Sample : IStageOptions
    {
        [Option("Dataset.", Required = true)]
        public string Data { get; init; } = "";

        [Option("Steps.")]
        public int MaxSteps { get; init; } = 100;

        [Option("Rate.")]
        public double LearningRate { get; init; } = 1e-3;

        [Option("Method.")]
        public Method Method { get; init; }

        [Option("Replace.")]
        public bool Overwrite { get; init; }

        [Option("Precisions.")]
        public IReadOnlyList<string> Precisions { get; init; } = [];

        [Option("Key.", Secret = true)]
        public string? ApiKey { get; init; }

        public IReadOnlyList<string> Validate() => MaxSteps < 1 ? [$"--max-steps must be at least 1, found {MaxSteps}"] : [];
    }
}
