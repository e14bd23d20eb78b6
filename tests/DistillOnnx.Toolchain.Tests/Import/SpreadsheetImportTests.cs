using System.Text;
using System.Text.Json;
using DistillOnnx.Core;
using DistillOnnx.Data;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.Toolchain.Import;
using MiniExcelLibs;
using Parquet;
using Parquet.Schema;

namespace DistillOnnx.Toolchain.Tests.Import;

/// <summary>What spreadsheets and other tools write becomes a dataset without a script, or every fault is named at once.</summary>
public sealed class SpreadsheetImportTests : IDisposable
{
    private const string Task = """{"name":"t","kind":"labels","labels":["yes","no"]}""";

    private readonly string _work = Directory.CreateTempSubdirectory("sheet-").FullName;

    static SpreadsheetImportTests() => Encoding.RegisterProvider(CodePagesEncodingProvider.Instance);

    public void Dispose() => Directory.Delete(_work, recursive: true);

    [Theory]
    [InlineData("utf-8", ';', null)]
    [InlineData("utf-16", '\t', null)]
    [InlineData("utf-16BE", ',', null)]
    [InlineData("utf-32", ';', null)]
    [InlineData("utf-32BE", '\t', null)]
    [InlineData("windows-1252", ';', null)]
    [InlineData("windows-1252", '|', "latin-1")]
    [InlineData("windows-1251", ';', "windows-1251")]
    public void Import_DelimiterAndEncoding_AreFoundOutOrTaken(string encoding, char delimiter, string? given)
    {
        var text = encoding == "windows-1251" ? "Привет, как дела" : "Das Gerät läuft — 5 €, „gut“";
        var path = Path.Combine(_work, "train.csv");
        File.WriteAllText(
            path, $"input{delimiter}label\n\"{text}\"{delimiter}yes\n\"=1+1\"{delimiter}no\n", Encoding.GetEncoding(encoding));

        Import("csv", path, o => o with { Encoding = given });

        Assert.Equal([(text, "yes"), ("=1+1", "no")], Load().Select(r => (r.Input, r.Label!)));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Import_Utf32WithoutMark_IsFoundOut(bool bigEndian)
    {
        var path = Path.Combine(_work, "train.csv");
        File.WriteAllText(path, "input,label\nça va 🙂,yes\n", new UTF32Encoding(bigEndian, byteOrderMark: false));

        Import("csv", path);

        Assert.Equal("ça va 🙂", Assert.Single(Load()).Input);
    }

    [Theory]
    [InlineData("csv", "1F8B0800", "expected CSV, found gzip; decompress it first")]
    [InlineData("tsv", "1F8B0800", "expected CSV, found gzip; decompress it first")]
    [InlineData("jsonl", "1F8B0800", "row 1: expected UTF-8 text, found gzip; decompress it first")]
    [InlineData("csv", "504B0304", "expected CSV, found a zip archive; a spreadsheet is imported by \"import xlsx\"")]
    [InlineData("jsonl", "504B0304", "row 1: expected UTF-8 text, found a zip archive")]
    [InlineData("csv", "5041523115", "expected CSV, found Parquet; \"import parquet\" reads it")]
    [InlineData("csv", "28B52FFD", "expected CSV, found Zstandard; decompress it first")]
    [InlineData("csv", "FD377A585A00", "expected CSV, found xz; decompress it first")]
    [InlineData("csv", "425A6839314159265359", "expected CSV, found bzip2; decompress it first")]
    [InlineData("csv", "D0CF11E0A1B11AE1", "expected CSV, found a workbook of the old form (.xls)")]
    [InlineData("jsonl", "FFFE0000", "row 1: expected UTF-8 text, found UTF-32")]
    [InlineData("jsonl", "0000FEFF", "row 1: expected UTF-8 text, found UTF-32")]
    public void Import_BinaryFile_IsNamedByItsContentBeforeAnyGuess(string source, string start, string message)
    {
        var path = Path.Combine(_work, "train." + source);
        File.WriteAllBytes(path, [.. Convert.FromHexString(start), 0xE9, 0, .. "and more\n"u8]);
        var reporter = new RecordedMessages();

        var fault = Assert.Throws<InputException>(() => Import(source, path, reporter: reporter));

        Assert.StartsWith($"{path}: {message}", fault.Message, StringComparison.Ordinal);
        Assert.Empty(reporter.Warnings);
    }

    [Fact]
    public void Import_TextThatBeginsAsABinaryFormDoes_IsText()
    {
        var path = Path.Combine(_work, "train.csv");
        File.WriteAllText(path, "PAR1,input,label\n1,x,yes\n");

        Import("csv", path);

        Assert.Equal("x", Assert.Single(Load()).Input);
    }

    [Theory]
    [InlineData("in\0put,label\nx,yes\n", "has no column \"input\", only in\\u0000put, label")]
    [InlineData("a\u001b[31m,a\u001b[31m,input,label\n1,2,x,yes\n", "column \"a\\u001B[31m\" occurs twice")]
    [InlineData("id,input,label\n\u0007,x,yes\n\u0007,y,no\n", "found \"\\u0007\" a second time")]
    [InlineData("input,label\nx,\u001b[2Jyes\n", "found \"\\u001B[2Jyes\"")]
    [InlineData("input,label\nx,ye\u200Bs\n", "(yes, no), found \"ye\\u200Bs\"")]
    [InlineData("input,label\nx,y\u00A0es\n", "(yes, no), found \"y\\u00A0es\"")]
    [InlineData("input,label\nx,y\uFEFFes\n", "(yes, no), found \"y\\uFEFFes\"")]
    [InlineData("input,label\nx,ye\u0301s\n", "(yes, no), found \"ye\\u0301s\"")]
    public void Import_CharactersThatCannotBeSeen_AreEscapedInMessages(string content, string message)
    {
        var path = Path.Combine(_work, "train.csv");
        File.WriteAllText(path, content);

        var fault = Assert.Throws<InputException>(() => Import("csv", path));

        Assert.Contains(message, fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(fault.Message, char.IsControl);
    }

    [Fact]
    public void Import_EncodingThatIsAGuess_IsNamed()
    {
        var path = Path.Combine(_work, "train.csv");
        File.WriteAllBytes(path, [.. "input,label\nx,yes\ny"u8, 0xE9, .. ",no\n"u8]);
        var reporter = new RecordedMessages();

        Import("csv", path, reporter: reporter);

        Assert.Contains(reporter.Warnings, w => w.Contains("windows-1252, which is a guess", StringComparison.Ordinal));
        Assert.Equal("yé", Load()[1].Input);
    }

    [Fact]
    public void Import_Utf8FileWithOneWrongByte_NamesItsRow()
    {
        var path = Path.Combine(_work, "train.csv");
        File.WriteAllBytes(path, [.. "input,label\nxé,yes\ny"u8, 0xE9, .. ",no\n"u8]);

        Assert.EndsWith(
            "row 3: expected UTF-8 text, found bytes that are not; --encoding names another encoding",
            Assert.Throws<InputException>(() => Import("csv", path)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Import_ManyFaults_ReportsThemTogetherAsASpreadsheetCounts()
    {
        var rows = string.Concat(Enumerable.Range(0, 30).Select(i => $"x{i};perhaps\n"));
        var path = Write("train.csv", "text;gold\n\"two\nlines\";yes\n;no\n" + rows);
        var reporter = new RecordedMessages();

        var fault = Assert.Throws<InputException>(() => Import(
            "csv", path, o => o with { Column = ["input=text", "label=gold"] }, reporter));

        Assert.Equal(
            "31 rows cannot be used (--skip-bad-rows FILE leaves them out and writes them with reasons); 4 of them: "
            + $"{path}: row 3, column A: \"input\" is empty"
            + string.Concat(Enumerable.Range(4, 3).Select(row =>
                $" | {path}: row {row}, column B: \"label\": expected one of the task's labels (yes, no), found \"perhaps\"; "
                + "--label-map FILE gives it a label")),
            fault.Message);
        Assert.Empty(reporter.Warnings);
        Assert.False(Directory.Exists(Path.Combine(_work, "out")));
    }

    [Fact]
    public void Import_SkipBadRows_WritesThemWithReasons()
    {
        var path = Write("train.csv", "id,input,label\na,x,yes\na,y,no\nc,z,maybe\nd,q,no,more\ne,r,no\n");
        var skipped = Path.Combine(_work, "skipped.jsonl");

        var result = Import("csv", path, o => o with { SkipBadRows = skipped });

        Assert.Equal((2L, 3L), (result.Splits["train"].Rows, result.Skipped));
        var lines = File.ReadAllLines(skipped).Select(l => JsonDocument.Parse(l).RootElement.GetProperty("fault").GetString()!).ToArray();
        Assert.Equal(3, lines.Length);
        Assert.Contains("row 3, column A: \"id\": expected a new one", lines[0], StringComparison.Ordinal);
        Assert.Contains("row 4, column C: \"label\"", lines[1], StringComparison.Ordinal);
        Assert.Contains("row 5: expected CSV with 3 columns as in the header, found 4", lines[2], StringComparison.Ordinal);
    }

    [Fact]
    public void Import_SkipBadRowsWithinTheOutput_IsRefused()
    {
        var path = Write("train.csv", "input,label\nx,yes\ny,no\nz,maybe\n");
        var inside = Path.Combine(_work, "out", "bad.jsonl");

        var fault = Assert.Throws<InputException>(() => Import("csv", path, o => o with { SkipBadRows = inside }));

        Assert.Equal($"--skip-bad-rows: {inside} is in the output, which is replaced as a whole; choose another place", fault.Message);
        Import("csv", path, o => o with { SkipBadRows = Path.Combine(_work, "out-bad.jsonl") });
    }

    [Fact]
    public void Import_SkipBadRowsThatLeavesNothing_Fails()
    {
        var path = Write("train.csv", "input,label\nx,maybe\n");

        Assert.Throws<InputException>(() => Import("csv", path, o => o with { SkipBadRows = Path.Combine(_work, "skipped.jsonl") }));

        Assert.False(Directory.Exists(Path.Combine(_work, "out")));
    }

    [Fact]
    public void Import_Workbook_GivesTheRows()
    {
        var path = Path.Combine(_work, "train.xlsx");
        MiniExcel.SaveAs(path, new[] { new { text = "a \"quoted\" 🙂\nline", gold = 1 }, new { text = "=1+1", gold = 0 } });

        Import("xlsx", path, o => o with { Column = ["input=text", "label=gold"], LabelIndex = true });

        Assert.Equal([("a \"quoted\" 🙂\nline", "no"), ("=1+1", "yes")], Load().Select(r => (r.Input, r.Label!)));
        Assert.Contains(
            "has no sheet \"Other\"",
            Assert.Throws<InputException>(() => Import("xlsx", path, o => o with { Sheet = "Other", Overwrite = true })).Message,
            StringComparison.Ordinal);
        Assert.Contains(
            "expected an Excel workbook",
            Assert.Throws<InputException>(() => Import(
                "xlsx", Write("train_2.xlsx", "PK nothing"), o => o with { Overwrite = true })).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Import_LabelMapAndCase_GiveTheTasksLabels()
    {
        var path = Write("train.csv", "input,label\na,YES \nb,ja\nc,No\nd,unknown\n");
        var map = Write("map.json", """{"ja":"yes","unknown":null,"never":"no"}""");
        var reporter = new RecordedMessages();

        Import("csv", path, o => o with { LabelMap = map, IgnoreCase = true, Unlabelled = true }, reporter);

        Assert.Equal(
            ["yes", "yes", "no", null], Dataset.Open(Path.Combine(_work, "out")).Load("train", LabelNeed.None).Select(r => r.Label));
        Assert.Contains(reporter.Warnings, w => w.Contains("no row has \"never\"", StringComparison.Ordinal));
        Assert.Contains(
            "expected one of the task's labels",
            Assert.Throws<InputException>(() =>
                Import("csv", path, o => o with { LabelMap = Write("bad.json", """{"a":"b"}"""), Overwrite = true })).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Import_ParquetOfHuggingFace_TakesLabelNamesFromItsMetadata()
    {
        var path = Path.Combine(_work, "train.parquet");
        var names = new Dictionary<string, string>
        {
            ["huggingface"] =
                """{"info":{"features":{"input":{"dtype":"string","_type":"Value"},"label":{"names":["no","yes"],"_type":"ClassLabel"}}}}""",
        };
        var schema = new ParquetSchema(new DataField<string>("input"), new DataField<long>("label"));
        await using (var stream = File.Create(path))
        {
            await using var writer = await ParquetWriter.CreateAsync(
                schema, stream, cancellationToken: TestContext.Current.CancellationToken);
            writer.CustomMetadata = names;
            using var group = writer.CreateRowGroup();
            await group.WriteAsync(schema.DataFields[0], (IReadOnlyCollection<string?>)["a", "b", "c"]);
            await group.WriteAsync<long>(
                schema.DataFields[1], new long[] { 1, 0, -1 }, cancellationToken: TestContext.Current.CancellationToken);
        }

        Import("parquet", path, o => o with { Unlabelled = true });

        Assert.Equal(["yes", "no", null], Dataset.Open(Path.Combine(_work, "out")).Load("train", LabelNeed.None).Select(r => r.Label));
        Assert.Contains(
            "leave --label-index out",
            Assert.Throws<InputException>(() => Import("parquet", path, o => o with { LabelIndex = true, Overwrite = true })).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Import_JsonLinesBesideDatasetInfo_TakesItsLabelNames()
    {
        Write("dataset_info.json", """{"features":{"label":{"names":["no","yes"],"_type":"ClassLabel"}}}""");

        Import("jsonl", Write("train.jsonl", """{"input":"a","label":0}"""));

        Assert.Equal("no", Assert.Single(Load()).Label);
    }

    [Fact]
    public void Import_Holdout_KeepsEachLabelsShareAndEqualInputsTogether()
    {
        var rows = Enumerable.Range(0, 1000).Select(i => $"text {i / 2} ,{(i % 100 < 90 ? "yes" : "no")}\n");
        var path = Write("train.csv", "input,label\n" + string.Concat(rows));

        var result = Import("csv", path, o => o with { SplitFrom = "train", Holdout = 0.1, HoldoutTest = 0.2, Seed = 3 });

        Assert.Equal([90L, 10L], result.Splits["validation"].Labels.Values);
        Assert.Equal([180L, 20L], result.Splits["test"].Labels.Values);
        var data = Dataset.Open(Path.Combine(_work, "out"));
        var held = data.Load("validation").Concat(data.Load("test")).Select(r => r.Input).ToHashSet();
        Assert.DoesNotContain(data.Load("train"), r => held.Contains(r.Input));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Import_HoldoutOfRowsWithOneIdTwice_IsRefusedUnderEverySeed(long seed)
    {
        var rows = Enumerable.Range(0, 40).Select(i => $"{i % 39},text {i},yes\n");
        var path = Write("train.csv", "id,input,label\n" + string.Concat(rows));

        var fault = Assert.Throws<InputException>(
            () => Import("csv", path, o => o with { SplitFrom = "train", Holdout = 0.5, Seed = seed }));

        Assert.Contains("train.csv: row 41, column A: \"id\": expected a new one, found \"0\" a second time", fault.Message);
    }

    [Fact]
    public void Import_BlankCellOfAJoinedInput_IsBlank()
    {
        Import("csv", Write("train.csv", "a,b,label\nx,,yes\n"), o => o with { Column = ["input=a+b"], Join = " / " });

        Assert.Equal("x / ", Assert.Single(Load()).Input);
    }

    private ImportResult Import(string source, string file, Func<ImportOptions, ImportOptions>? change = null, IReporter? reporter = null)
    {
        var options = new ImportOptions
        {
            Source = source,
            From = [file],
            Task = Write("task.json", Task),
            Out = Path.Combine(_work, "out"),
        };
        return DatasetImporter.Import(change?.Invoke(options) ?? options, reporter ?? Reporter.None);
    }

    private IReadOnlyList<Example> Load() => Dataset.Open(Path.Combine(_work, "out")).Load("train");

    private string Write(string name, string content)
    {
        var path = Path.Combine(_work, name);
        File.WriteAllText(path, content);
        return path;
    }
}
