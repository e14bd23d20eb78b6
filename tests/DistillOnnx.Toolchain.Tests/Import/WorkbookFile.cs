using System.IO.Compression;

namespace DistillOnnx.Toolchain.Tests.Import;

/// <summary>Writes workbooks part by part, with what libraries that write them do not offer.</summary>
internal static class WorkbookFile
{
    private const string Main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    private const string Office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    private const string Package = "http://schemas.openxmlformats.org/package/2006/relationships";

    /// <summary>Writes a workbook.</summary>
    /// <param name="path">The file.</param>
    /// <param name="rows">The rows of its one sheet, named <c>Data</c>, as XML.</param>
    /// <param name="strings">The shared texts, as XML.</param>
    /// <param name="formats">Format codes; the style n + 1 shows the n-th.</param>
    /// <param name="properties">Attributes of the workbook.</param>
    public static void Write(string path, string rows, string strings = "", string[]? formats = null, string properties = "")
    {
        using var zip = new ZipArchive(File.Create(path), ZipArchiveMode.Create);
        void Part(string name, string xml)
        {
            using var writer = new StreamWriter(zip.CreateEntry(name).Open());
            writer.Write("<?xml version=\"1.0\" encoding=\"UTF-8\"?>" + xml);
        }

        Part("_rels/.rels", $"<Relationships xmlns=\"{Package}\"><Relationship Id=\"rId1\" Type=\"{Office}/officeDocument\" "
            + "Target=\"xl/workbook.xml\"/></Relationships>");
        Part("xl/workbook.xml", $"<workbook xmlns=\"{Main}\" xmlns:r=\"{Office}\"><workbookPr {properties}/><sheets>"
            + "<sheet name=\"Data\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>");
        Part("xl/_rels/workbook.xml.rels", $"<Relationships xmlns=\"{Package}\">"
            + $"<Relationship Id=\"rId1\" Type=\"{Office}/worksheet\" Target=\"worksheets/sheet1.xml\"/>"
            + $"<Relationship Id=\"rId2\" Type=\"{Office}/sharedStrings\" Target=\"/xl/sharedStrings.xml\"/>"
            + $"<Relationship Id=\"rId3\" Type=\"{Office}/styles\" Target=\"styles.xml\"/></Relationships>");
        Part("xl/worksheets/sheet1.xml", $"<worksheet xmlns=\"{Main}\"><sheetData>{rows}</sheetData></worksheet>");
        Part("xl/sharedStrings.xml", $"<sst xmlns=\"{Main}\">{strings}</sst>");
        var codes = formats ?? [];
        Part("xl/styles.xml", $"<styleSheet xmlns=\"{Main}\"><numFmts>"
            + string.Concat(codes.Select((c, i) =>
                $"<numFmt numFmtId=\"{200 + i}\" formatCode=\"{System.Net.WebUtility.HtmlEncode(c)}\"/>"))
            + "</numFmts><cellStyleXfs><xf numFmtId=\"9\"/></cellStyleXfs><cellXfs><xf numFmtId=\"0\"/>"
            + string.Concat(codes.Select((_, i) => $"<xf numFmtId=\"{200 + i}\"/>")) + "</cellXfs></styleSheet>");
    }
}
