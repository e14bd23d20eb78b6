using DistillOnnx.Core;
using DistillOnnx.Data;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.Toolchain.Import;

namespace DistillOnnx.Toolchain.Tests.Import;

/// <summary>Cells of a workbook come as a person sees them in the sheet, and those that show an error are faults.</summary>
public sealed class WorkbookImportTests : IDisposable
{
    private const string Task = """{"name":"t","kind":"text"}""";
    private const string Header = """<row r="1"><c r="A1" t="inlineStr"><is><t>input</t></is></c>"""
        + """<c r="B1" t="inlineStr"><is><t>label</t></is></c></row>""";

    private readonly string _work = Directory.CreateTempSubdirectory("workbook-").FullName;

    public void Dispose() => Directory.Delete(_work, recursive: true);

    [Theory]
    [InlineData("General", "0.30000000000000004", "0.3")]
    [InlineData("General", "1234567890123", "1234567890123")]
    [InlineData("General", "-1.5", "-1.5")]
    [InlineData("0", "41.999999999", "42")]
    [InlineData("0.00", "3.5", "3.50")]
    [InlineData("#,##0.0#", "1234.5", "1234.5")]
    [InlineData("0.0%", "0.125", "12.5%")]
    [InlineData("\"EUR\" 0.00;[Red]-0.00", "7", "7.00")]
    [InlineData("yyyy\\-mm\\-dd", "45231", "2023-11-01")]
    [InlineData("dd.mm.yyyy hh:mm", "45231.5", "2023-11-01T12:00:00")]
    [InlineData("hh:mm", "0.75", "18:00:00")]
    [InlineData("[h]:mm:ss", "1.5", "36:00:00")]
    [InlineData("d/m/yy", "59", "1900-02-28")]
    [InlineData("@", "12", "12")]
    public void Import_Number_IsShownAsInTheSheet(string format, string value, string shown)
    {
        var path = Path.Combine(_work, "train.xlsx");
        WorkbookFile.Write(
            path, Header + $"""<row r="2"><c r="A2" s="1"><v>{value}</v></c><c r="B2" t="b"><v>1</v></c></row>""", formats: [format]);

        Import(path);

        var row = Assert.Single(Load());
        Assert.Equal((shown, "TRUE"), (row.Input, row.Label!));
    }

    [Fact]
    public void Import_DateOfAWorkbookThatCountsFrom1904_IsTheDateShown()
    {
        var path = Path.Combine(_work, "train.xlsx");
        WorkbookFile.Write(
            path,
            Header + """<row r="2"><c r="A2" s="1"><v>0</v></c><c r="B2" t="b"><v>0</v></c></row>""",
            formats: ["yyyy-mm-dd"],
            properties: "date1904=\"1\"");

        Import(path);

        Assert.Equal("1904-01-01", Assert.Single(Load()).Input);
    }

    [Fact]
    public void Import_TextsOfEveryForm_AreReadAndPronunciationIsNot()
    {
        var path = Path.Combine(_work, "train.xlsx");
        WorkbookFile.Write(
            path,
            Header
                + """<row r="3"><c r="A3" t="s"><v>0</v></c><c r="B3" t="str"><v>b_x0041_</v></c></row>"""
                + """<row><c t="s"><v>1</v></c><c t="inlineStr"><is><r><t>c</t></r><r><t xml:space="preserve"> d</t></r></is></c></row>""",
            """<si><r><t>東</t></r><r><t>京</t></r><rPh sb="0" eb="2"><t>トウキョウ</t></rPh></si>"""
                + """<si><t xml:space="preserve"> a_x000D_&#10;🙂 </t></si>""");

        Import(path);

        Assert.Equal([("東京", "bA"), (" a\n🙂 ", "c d")], Load().Select(r => (r.Input, r.Label!)));
    }

    [Fact]
    public void Import_ErrorInAColumnThatIsImported_IsAFaultWithRowColumnAndError()
    {
        var path = Path.Combine(_work, "train.xlsx");
        WorkbookFile.Write(
            path,
            Header
                + """<row r="2"><c r="A2" t="str"><v>x</v></c><c r="B2" t="e"><v>#N/A</v></c></row>"""
                + """<row r="3"><c r="A3" t="str"><v>y</v></c><c r="B3" t="str"><v>z</v></c><c r="C3" t="e"><v>#REF!</v></c></row>""");

        var fault = Assert.Throws<InputException>(() => Import(path));
        Import(path, o => o with { SkipBadRows = Path.Combine(_work, "skipped.jsonl") });

        Assert.Equal(
            $"{path}: row 2, column B: \"label\": expected a value, found the error #N/A of a formula; mend it in the workbook, "
            + "or empty the cell",
            fault.Message);
        Assert.Equal("y", Assert.Single(Load()).Input);
    }

    [Fact]
    public void Import_WorkbookOfAnOlderFormat_SaysHowToSaveIt()
    {
        var path = Path.Combine(_work, "train.xlsx");
        File.WriteAllBytes(path, [0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1, 0, 0]);

        Assert.EndsWith(
            "save it as .xlsx without a password", Assert.Throws<InputException>(() => Import(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Import_CellThatNamesNoText_IsADamagedWorkbook()
    {
        var path = Path.Combine(_work, "train.xlsx");
        WorkbookFile.Write(path, Header + """<row r="2"><c r="A2" t="s"><v>7</v></c></row>""");

        Assert.Contains(
            "a cell names the text 7 of 0", Assert.Throws<InputException>(() => Import(path)).Message, StringComparison.Ordinal);
    }

    private void Import(string path, Func<ImportOptions, ImportOptions>? change = null)
    {
        var task = Path.Combine(_work, "task.json");
        File.WriteAllText(task, Task);
        var options = new ImportOptions { Source = "xlsx", From = [path], Task = task, Out = Path.Combine(_work, "out"), Overwrite = true };
        DatasetImporter.Import(change?.Invoke(options) ?? options, Reporter.None, TestContext.Current.CancellationToken);
    }

    private IReadOnlyList<Example> Load() => Dataset.Open(Path.Combine(_work, "out")).Load("train");
}
