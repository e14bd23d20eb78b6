using System.Text;
using DistillOnnx.Core;
using DistillOnnx.Data;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.Toolchain.Import;
using Parquet.Serialization;

namespace DistillOnnx.Toolchain.Tests.Import;

/// <summary>A user's own files become datasets, or one line with the reason.</summary>
public sealed class TableImportTests : IDisposable
{
    private const string Labels = """{"name":"t","kind":"labels","labels":["yes","no"],"segment_separator":"</s>"}""";
    private const string Choices = """{"name":"t","kind":"choices"}""";
    private const string Equations = """{"name":"t","kind":"text","metric":"equation"}""";

    private readonly string _work = Directory.CreateTempSubdirectory("import-").FullName;

    public void Dispose() => Directory.Delete(_work, recursive: true);

    [Fact]
    public void Import_JsonLinesOfItsOwnForm_GivesTheRows()
    {
        var file = Write("train.jsonl", """{"id":"a","input":"x","label":"yes","rationale":"r","teacher_label":"no","other":1}""");

        var result = Import("jsonl", Labels, [file]);

        var split = result.Splits["train"];
        Assert.Equal((1, 0.0, 1), (split.Rows, split.TeacherAccuracy, split.Rationales));
        Assert.Equal(new Dictionary<string, long> { ["yes"] = 1, ["no"] = 0 }, split.Labels);
        Assert.Equal(
            new Example { Id = "a", Input = "x", Label = "yes", Rationale = "r", TeacherLabel = "no" }, Assert.Single(Load("train")));
    }

    /// <summary>Spreadsheets save rows of empty cells behind the last one.</summary>
    [Fact]
    public void Import_CsvWithBlankRows_PassesThemOver()
    {
        var train = Write("train.csv", "input;label\nx;yes\n;\n\"\";\"\"\n  ; \ny;no\n;;\n");

        Import("csv", Labels, [train], o => o);

        Assert.Equal(["x", "y"], Load("train").Select(r => r.Input));
    }

    [Fact]
    public void Import_CsvWithMappedColumns_JoinsAndIndexes()
    {
        var train = Write("my_train.csv", "\uFEFFpremise,hypothesis,gold,why\r\n\"a, \"\"b\"\"\nc\",d,0,because\r\ne,f,1,\r\n");
        var test = Write("dev.csv", "premise,hypothesis,gold,why\ng,h,1,so\n");

        Import(
            "csv",
            Labels,
            [train, test],
            o => o with { Column = ["input=premise+hypothesis", "label=gold", "rationale=why"], LabelIndex = true });

        Assert.Equal(
            [
                new Example { Id = "train-0", Input = "a, \"b\"\nc</s>d", Label = "yes", Rationale = "because" },
                new Example { Id = "train-1", Input = "e</s>f", Label = "no" },
            ],
            Load("train"));
        Assert.Equal("g</s>h", Assert.Single(Load("validation")).Input);
    }

    [Theory]
    [InlineData("question,options,answer\nq,a | b,b\n", "choices=options")]
    [InlineData("question,o1,o2,answer\nq,a,b,b\n", "choices=o1+o2")]
    public void Import_CsvWithChoices_SplitsOrJoinsThem(string csv, string column)
    {
        Import("csv", Choices, [Write("train.csv", csv)], o => o with { Column = ["input=question", "label=answer", column] });

        var row = Assert.Single(Load("train"));
        Assert.Equal(["a", "b"], row.Choices);
        Assert.Equal("b", row.Label);
    }

    [Fact]
    public void Import_JsonLinesWithNestedColumnsAndCompletions_ParsesThem()
    {
        var file = Write("train.jsonl", """
            {"q":{"stem":"What is 2 and 3?"},"gold":"2 + 3","out":"Two and three. The answer is (3 + 2)."}
            {"q":{"stem":"What is 2 less 3?"},"gold":"2 - 3","out":"I do not know."}
            """);

        var result = Import("jsonl", Equations, [file], o => o with { Column = ["input=q.stem", "label=gold", "completion=out"] });

        var split = result.Splits["train"];
        Assert.Equal((2, 0.5, 1L), (split.Rows, split.TeacherAccuracy, split.Unparsed));
        Assert.Equal(1, split.UnparsedReasons!["no_answer"]);
        Assert.Equal(["(3 + 2)", null], Load("train").Select(r => r.TeacherLabel));
    }

    [Fact]
    public async Task Import_ParquetWithLists_GivesTheRows()
    {
        var file = Path.Combine(_work, "test-00000-of-00001.parquet");
        ParquetRow[] rows = [
            new() { input = "p", label = 1, choices = ["a", "b"] }, new() { input = "q", label = 0, choices = ["c", "d", "e"] }
        ];
        await ParquetSerializer.SerializeAsync(rows, file);

        Import("parquet", Choices, [file], o => o with { LabelIndex = true });

        Assert.Equal([("p", "b", 2), ("q", "c", 3)], Load("test").Select(r => (r.Input, r.Label!, r.Choices!.Count)));
    }

    [Fact]
    public void Import_SplitsMadeFromTrain_AreRecordedAndRepeatable()
    {
        var file = Write(
            "train.jsonl", string.Concat(Enumerable.Range(0, 100).Select(i => $$"""{"input":"x{{i / 2}}","label":"yes"}""" + "\n")));

        ImportResult Make(string name, long seed) =>
            Import(
                "jsonl",
                Labels,
                [file],
                o => o with { Out = Path.Combine(_work, name), SplitFrom = "train", Holdout = 0.1, HoldoutTest = 0.2, Seed = seed });
        var result = Make("a", 5);
        Make("b", 5);
        Make("c", 6);

        Assert.Equal([70, 10, 20], new[] { "train", "validation", "test" }.Select(s => result.Splits[s].Rows));
        Assert.Equal(100, result.Sources!["train"].Rows);
        var (a, b, c) = (
            Dataset.Open(Path.Combine(_work, "a")), Dataset.Open(Path.Combine(_work, "b")), Dataset.Open(Path.Combine(_work, "c")));
        Assert.Equal(a.Hash("validation"), b.Hash("validation"));
        Assert.NotEqual(a.Hash("validation"), c.Hash("validation"));
        Assert.Empty(a.Load("train").Select(r => r.Input).Intersect(a.Load("test").Concat(a.Load("validation")).Select(r => r.Input)));
        Assert.Contains(
            "\"split_from\": \"train\"", File.ReadAllText(Path.Combine(_work, "a", DatasetWriter.InfoFileName)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("csv", "train.csv", "input,label\nx,yes,more\n", "train.csv: row 2: expected CSV")]
    [InlineData("csv", "train.csv", "input,label\nx,yes\n\"y,no\n", "train.csv: row 3: expected CSV")]
    [InlineData("csv", "train.csv", "input,label\nx\"y\",yes\n", "train.csv: row 2: expected CSV")]
    [InlineData("csv", "train.csv", "input,input\nx,yes\n", "column \"input\" occurs twice")]
    [InlineData("csv", "train.csv", "", "row 1: expected the names of the columns")]
    [InlineData("csv", "train.csv", "input,label\n", "expected at least one row")]
    [InlineData(
        "csv", "train.csv", "text,label\nx,yes\n", "has no column \"input\", only text, label; --column input=COLUMN names another one")]
    [InlineData("csv", "train.csv", "Inptu;label\nx;yes\n", "has no column \"input\", only Inptu, label; did you mean Inptu?")]
    [InlineData("csv", "train.csv", "PK\u0003\u0004xlsx", "expected CSV, found a zip archive")]
    [InlineData("csv", "train.csv", "input,label\nx,maybe\n", "row 2, column B: \"label\": expected one of the task's labels")]
    [InlineData("csv", "train.csv", "input,label\nx,\n", "row 2, column B: \"label\" is missing")]
    [InlineData(
        "csv",
        "train.csv",
        "id,input,label\na,\"x\n\",yes\na,y,no\n",
        "row 3, column A: \"id\": expected a new one, found \"a\" a second time")]
    [InlineData("jsonl", "train.jsonl", "{\"input\":\"x\",\"label\":\"yes\"}\n{\"input\":", "train.jsonl: row 2: expected a JSON object")]
    [InlineData("jsonl", "train.jsonl", "{\"input\":[\"x\"],\"label\":\"yes\"}", "row 1: \"input\": expected one value, found a list")]
    [InlineData("jsonl", "train.jsonl", "{\"input\":\"x\",\"label\":\"\\udfff\"}", "row 1: expected Unicode text")]
    [InlineData("parquet", "train.parquet", "PAR1 and no more", "train.parquet: expected a Parquet file")]
    public void Import_FaultyFile_NamesFileAndRowAndWritesNothing(string source, string name, string content, string message)
    {
        var file = Write(name, content);

        var fault = Assert.Throws<InputException>(() => Import(source, Labels, [file]));

        Assert.StartsWith(file, fault.Message, StringComparison.Ordinal);
        Assert.Contains(message, fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', fault.Message);
        Assert.Equal(["task.json", name], Directory.EnumerateFileSystemEntries(_work).Select(Path.GetFileName).Order());
    }

    [Fact]
    public void Import_FilesWhoseSplitIsUnclear_AreRefusedOrNamed()
    {
        var (a, b) = (Write("a.csv", "input,label\nx,yes\n"), Write("b.csv", "input,label\ny,no\n"));

        Assert.Contains(
            "its split is unknown",
            Assert.Throws<InputException>(() => Import("csv", Labels, [a, b])).Message,
            StringComparison.Ordinal);
        Import("csv", Labels, [$"train={a}", $"test={b}"]);

        Assert.Equal(["train", "test"], Dataset.Open(Path.Combine(_work, "out")).Splits);
    }

    [Fact]
    public void Import_ExistingOutput_IsRefusedBeforeAnyWork()
    {
        Directory.CreateDirectory(Path.Combine(_work, "out"));
        File.WriteAllText(Path.Combine(_work, "out", "mine"), "");

        var fault = Assert.Throws<InputException>(() => Import("csv", Labels, ["nowhere.csv"]));

        Assert.Contains("exists already", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Validate_ManyFaults_ReportsAll()
    {
        var faults = new ImportOptions { Source = "xml", SplitFrom = "test", Holdout = 1, Column = ["colour=x", "input"] }.Validate();

        Assert.Equal(9, faults.Count);
        Assert.Empty(new ImportOptions { Source = "dss:cqa", From = ["d"], Out = "o" }.Validate());
    }

    // Named as its columns.
#pragma warning disable IDE1006
    private sealed class ParquetRow
    {
        public string? input { get; set; }

        public long label { get; set; }

        public List<string>? choices { get; set; }
    }
#pragma warning restore IDE1006

    private ImportResult Import(string source, string task, IReadOnlyList<string> files, Func<ImportOptions, ImportOptions>? change = null)
    {
        var options = new ImportOptions
        {
            Source = source,
            From = files,
            Task = Write("task.json", task),
            Out = Path.Combine(_work, "out"),
        };
        return DatasetImporter.Import(change?.Invoke(options) ?? options, Reporter.None);
    }

    private IReadOnlyList<Example> Load(string split) => Dataset.Open(Path.Combine(_work, "out")).Load(split);

    private string Write(string name, string content)
    {
        var path = Path.Combine(_work, name);
        File.WriteAllText(path, content, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));
        return path;
    }
}
