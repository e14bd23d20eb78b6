namespace DistillOnnx.Cli.Tests;

/// <summary>Input that cannot be used: exit code 2, one line that names file and row, nothing written.</summary>
public sealed class BadInputTests : IDisposable
{
    private const string Task = """{"name":"t","kind":"labels","labels":["yes","no"]}""";
    private const string Row = """{"input":"x","label":"yes"}""" + "\n";

    private readonly string _work = Directory.CreateTempSubdirectory("bad-input-").FullName;

    public void Dispose() => Directory.Delete(_work, recursive: true);

    public static TheoryData<string, string, string> Rows()
    {
        var data = new TheoryData<string, string, string>();
        foreach (var verb in (string[])[
            "import jsonl --task {0}/task.json --from train={0}/train.jsonl",
            "train --data {0} --student t5-tiny",
            "annotate --data {0} --teacher rules"
        ])
        {
            data.Add(verb, """{"input":"y","la""", "row 2: expected a JSON object, found one that is cut short");
            data.Add(verb, """{"label":"no"}""", "row 2: \"input\" is missing");
            data.Add(
                verb,
                """{"input":"y","label":"maybe"}""",
                "row 2: \"label\": expected one of the task's labels (yes, no), found \"maybe\"");
            data.Add(verb, "[]", "row 2: expected a JSON object, found an array");
        }

        data.Add("import jsonl --task {0}/task.json --from train={0}/train.jsonl", """{"input":"y"}""", "row 2: \"label\" is missing");
        data.Add("train --data {0} --student t5-tiny", """{"input":"y"}""", "row 2: \"label\" is missing");
        return data;
    }

    [Theory]
    [MemberData(nameof(Rows))]
    public async Task Row_ThatCannotBeUsed_IsNamed(string verb, string row, string message)
    {
        Write("task.json", Task);
        Write("train.jsonl", Row + row);

        await AssertRefused(verb, $"{_work}/train.jsonl: {message}");
    }

    [Theory]
    [InlineData(
        "import jsonl --task {0}/task.json --from train={0}/train.jsonl",
        "task.json: not a task description: \"kind\": expected one of labels, choices, text, found \"tables\"")]
    [InlineData("train --data {0} --student t5-tiny", "task.json: not a task description: \"kind\"")]
    [InlineData("annotate --data {0} --teacher rules", "task.json: not a task description: \"kind\"")]
    [InlineData("evaluate --data {0} --model {0}", "task.json: not a task description: \"kind\"")]
    public async Task Task_OfUnknownKind_IsNamed(string verb, string message)
    {
        Write("task.json", """{"name":"t","kind":"tables"}""");
        Write("train.jsonl", Row);

        await AssertRefused(verb, $"{_work}/{message}", withOutput: !verb.StartsWith("evaluate", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("import dss:esnli --from {0}/none", "none: no such directory")]
    [InlineData("import csv --task {0}/task.json --from {0}/none.csv", "none.csv: no such file")]
    [InlineData("train --data {0}/none --student t5-tiny", "none: no such directory")]
    [InlineData("train --data {0} --student {0}/none", "none\": expected a checkpoint directory")]
    [InlineData("pretrain --text {0}/none.txt --student t5-tiny", "none.txt: ")]
    [InlineData("export --model {0}/none", "none: no such directory")]
    [InlineData("annotate --data {0}/none --teacher rules", "none: no such directory")]
    [InlineData("study --data {0}/none --students t5-tiny", "none: no such directory")]
    [InlineData("evaluate --data {0} --split train --model {0}/none", "none: no such directory", false)]
    [InlineData("predict --model {0}/none", "none: no such directory", false)]
    [InlineData("serve --model {0}/none", "none: no such directory", false)]
    public async Task Input_ThatIsMissing_IsNamed(string verb, string message, bool withOutput = true)
    {
        Write("task.json", Task);
        Write("train.jsonl", Row);

        await AssertRefused(verb, $"{_work}/{message}", withOutput);
    }

    [Theory]
    [InlineData("import jsonl --task {0}/task.json --from train={0}/train.jsonl")]
    [InlineData("train --data {0} --student t5-tiny")]
    [InlineData("annotate --data {0} --teacher rules")]
    [InlineData("export --model {0}")]
    [InlineData("quickstart")]
    [InlineData("study --data {0} --students t5-tiny")]
    [InlineData("pretrain --text {0}/train.jsonl --student t5-tiny")]
    public async Task Output_ThatCannotBe_IsRefusedBeforeAnyWork(string verb)
    {
        Write("task.json", Task);
        Write("train.jsonl", Row);
        Write("test.jsonl", Row);
        Write("taken/mine.txt", "");

        await AssertRefused($"{verb} --out {{0}}/taken", $"{_work}/taken: exists already", withOutput: false);
        await AssertRefused($"{verb} --out {{0}}/task.json", $"{_work}/task.json: expected a directory", withOutput: false);
        await AssertRefused(
            $"{verb} --out {{0}}/task.json/out",
            $"{_work}/task.json/out: cannot be written: {_work}/task.json is a file",
            withOutput: false);
    }

    [Theory]
    [InlineData()]
    [InlineData("--json")]
    public async Task Bundle_ThatLostAFile_IsShownAndRefused(params string[] options)
    {
        Write(
            "bundle/distill.json",
            """{"format":1,"task":""" + Task
                + ""","precisions":{"fp32":{"graphs":[]}},"files":{"golden.jsonl":{"bytes":7,"sha256":"00"}}}""");

        var run = await DistillProcess.Run(["inspect", Path.Combine(_work, "bundle"), .. options]);

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("golden.jsonl: missing", run.Output, StringComparison.Ordinal);
        Assert.Equal(
            [
                $"warning: {_work}/bundle: golden.jsonl: missing",
                $"distill: {_work}/bundle: not a whole bundle: one fault of its files is named above",
            ],
            run.Error.TrimEnd('\n').Split('\n'));
    }

    private async Task AssertRefused(string verb, string message, bool withOutput = true)
    {
        var before = Files();
        var arguments = string.Format(System.Globalization.CultureInfo.InvariantCulture, verb, _work).Split(' ');
        var run = await DistillProcess.Run(withOutput ? [.. arguments, "--out", Path.Combine(_work, "out")] : arguments);

        Assert.Contains(message, run.Error, StringComparison.Ordinal);
        Assert.StartsWith(
            "distill: ",
            Assert.Single(run.Error.TrimEnd('\n').Split('\n'), l => !l.StartsWith("warning: ", StringComparison.Ordinal)),
            StringComparison.Ordinal);
        Assert.Equal(2, run.ExitCode);
        Assert.Empty(run.Output);
        Assert.Equal(before, Files());
    }

    private List<string> Files() =>
        [.. Directory.EnumerateFileSystemEntries(
            _work, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0 }).Order()];

    private void Write(string name, string content)
    {
        var path = Path.Combine(_work, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, content);
    }
}
