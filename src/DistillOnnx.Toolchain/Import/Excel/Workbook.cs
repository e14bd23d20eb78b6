using System.IO.Compression;
using System.Xml;
using DistillOnnx.Core;

namespace DistillOnnx.Toolchain.Import.Excel;

/// <summary>
/// An Excel workbook (ECMA-376, Office Open XML) that is read forward only: cells as a person sees them, in memory that does not
/// grow with the rows.
/// </summary>
/// <remarks>
/// Of the packages for this format, MiniExcel 1.46 gives an error such as <c>#N/A</c> as an ordinary text, and ExcelDataReader 3.6 has no
/// call that tells one from a blank cell. Both would let it into the training data unnoticed.
/// </remarks>
internal sealed class Workbook : IDisposable
{
    private const string Relationships = "_rels/.rels";

    private static readonly XmlReaderSettings Xml = new()
    {
        DtdProcessing = DtdProcessing.Prohibit,
        XmlResolver = null,
        IgnoreComments = true,
        IgnoreProcessingInstructions = true,
        CloseInput = true,
    };

    private readonly ZipArchive _zip;
    private readonly string _folder;
    private readonly List<(string Name, string Part)> _sheets = [];
    private readonly Dictionary<string, string> _parts;
    private readonly bool _from1904;

    private Workbook(ZipArchive zip)
    {
        _zip = zip;
        var main = Targets(Relationships, "").FirstOrDefault(t => t.Type.EndsWith("/officeDocument", StringComparison.Ordinal)).Part
            ?? "xl/workbook.xml";
        _folder = main[..(main.LastIndexOf('/') + 1)];
        var targets = Targets($"{_folder}_rels/{main[_folder.Length..]}.rels", _folder).ToList();
        _parts = targets.GroupBy(t => t.Type[(t.Type.LastIndexOf('/') + 1)..]).ToDictionary(g => g.Key, g => g.First().Part);
        var byId = targets.ToDictionary(t => t.Id, t => t, StringComparer.Ordinal);
        using var reader = Part(main) ?? throw new InvalidDataException($"there is no {main} in it");
        while (reader.Read())
        {
            if (reader.NodeType != XmlNodeType.Element) continue;
            if (reader.LocalName == "workbookPr") _from1904 = reader.GetAttribute("date1904") is "1" or "true";
            if (reader.LocalName != "sheet" || reader.GetAttribute("name") is not { } name) continue;
            // A chart on a sheet of its own has no cells.
            if (byId.TryGetValue(RelationId(reader), out var target) && target.Type.EndsWith("/worksheet", StringComparison.Ordinal))
                _sheets.Add((name, target.Part));
        }
    }

    /// <summary>Names of the sheets that have cells, in the workbook's order.</summary>
    public IReadOnlyList<string> Sheets => [.. _sheets.Select(s => s.Name)];

    /// <summary>Opens a workbook.</summary>
    /// <param name="file">The file.</param>
    /// <exception cref="InputException">It is no workbook of this format.</exception>
    public static Workbook Open(string file)
    {
        var stream = File.OpenRead(file);
        try
        {
            Span<byte> start = stackalloc byte[8];
            var length = stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
            // The container of the formats before 2007, and of workbooks with a password.
            if (start[..length].StartsWith((ReadOnlySpan<byte>)[0xD0, 0xCF, 0x11, 0xE0]))
                throw new InputException(
                    $"{file}: expected an Excel workbook (.xlsx), found one in the format before 2007 or with a password; "
                    + "save it as .xlsx without a password");
            stream.Position = 0;
            return new Workbook(new ZipArchive(stream, ZipArchiveMode.Read));
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <summary>The rows of a sheet that have cells: number from 1, and values by column from 0.</summary>
    /// <param name="sheet">One of <see cref="Sheets"/>; null: the first.</param>
    /// <exception cref="InvalidDataException">The sheet is damaged.</exception>
    public IEnumerable<(long Number, IReadOnlyList<object?> Cells)> Rows(string? sheet)
    {
        var part = sheet is null ? _sheets.FirstOrDefault().Part : _sheets.FirstOrDefault(s => s.Name == sheet).Part;
        if (part is null) throw new InvalidDataException("it has no sheet with cells");
        using var strings = new SharedStrings(_parts.TryGetValue("sharedStrings", out var texts) ? Part(texts) : null);
        var formats = new CellFormats(_parts.TryGetValue("styles", out var styles) ? Part(styles) : null, _from1904);
        using var reader = Part(part) ?? throw new InvalidDataException($"there is no {part} in it");
        foreach (var row in new SheetReader(reader, strings, formats).Rows()) yield return row;
    }

    public void Dispose() => _zip.Dispose();

    private static string RelationId(XmlReader reader)
    {
        for (var more = reader.MoveToFirstAttribute(); more; more = reader.MoveToNextAttribute())
        {
            // Its namespace differs between the transitional and the strict form of the format.
            if (reader.LocalName == "id" && reader.NamespaceURI.EndsWith("/relationships", StringComparison.Ordinal)) return reader.Value;
        }

        return "";
    }

    private IEnumerable<(string Id, string Type, string Part)> Targets(string relationships, string folder)
    {
        using var reader = Part(relationships);
        while (reader?.Read() == true)
        {
            if (reader.NodeType != XmlNodeType.Element || reader.LocalName != "Relationship") continue;
            if (reader.GetAttribute("TargetMode") == "External" || reader.GetAttribute("Target") is not { } target) continue;
            yield return (
                reader.GetAttribute("Id") ?? "", reader.GetAttribute("Type") ?? "", target.StartsWith('/') ? target[1..] : folder + target);
        }
    }

    private XmlReader? Part(string name) => _zip.GetEntry(name) is { } entry
        ? XmlReader.Create(entry.Open(), Xml)
        : null;
}
