using System.Buffers.Binary;
using System.Text.Json;
using DistillOnnx.Core;

namespace DistillOnnx.Checkpoints;

/// <summary>
/// The header of a safetensors file: an eight-byte little-endian length, then JSON that gives each tensor's type, shape and
/// place. Every claim is checked before it is believed; the tensors must cover the rest of the file without gap or overlap.
/// </summary>
internal sealed class SafetensorsHeader
{
    private const int LongestHeader = 100_000_000;
    private const int MostTensors = 20_000;
    private const int LongestName = 4096;
    private const int MostDimensions = 32;

    private SafetensorsHeader(Dictionary<string, TensorInfo> tensors, Dictionary<string, long> offsets, Dictionary<string, string> metadata)
    {
        Tensors = tensors;
        Offsets = offsets;
        Metadata = metadata;
    }

    public IReadOnlyDictionary<string, TensorInfo> Tensors { get; }

    /// <summary>Where each tensor begins in the file.</summary>
    public IReadOnlyDictionary<string, long> Offsets { get; }

    /// <summary>The file's own notes, for instance <c>format: pt</c>.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    public static SafetensorsHeader Read(MappedFile file)
    {
        if (file.Length < 10) throw new InputException($"{file.Path}: not safetensors: expected at least 10 bytes, found {file.Length}");
        var length = BinaryPrimitives.ReadUInt64LittleEndian(file.Slice(0, 8));
        if (length is < 2 or > LongestHeader
            && FileSignature.Describe(file.Slice(0, (int)Math.Min(512, file.Length))) is var found
            && !found.StartsWith("bytes", StringComparison.Ordinal)
            && !found.EndsWith("safetensors", StringComparison.Ordinal))
            throw new InputException($"{file.Path}: expected safetensors, found {found}");
        if (length is < 2 or > LongestHeader)
            throw new InputException(
                $"{file.Path}: not safetensors: expected a header of 2 to {LongestHeader} bytes, found a length of {length}");
        if ((long)length > file.Length - 8)
            throw new InputException(
                $"{file.Path}: the file is cut: its header should have {length} bytes, but only {file.Length - 8} follow");

        var json = file.Slice(8, (int)length);
        if (json[0] != (byte)'{')
            throw new InputException($"{file.Path}: not safetensors: expected the header to begin with '{{', found byte 0x{json[0]:x2}");
        try
        {
            return Parse(file, json, 8 + (long)length);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            throw new InputException($"{file.Path}: the header is not the JSON that safetensors asks for: {InputText.Show(e.Message)}", e);
        }
    }

    private static SafetensorsHeader Parse(MappedFile file, ReadOnlySpan<byte> json, long dataStart)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 8 });
        var tensors = new Dictionary<string, TensorInfo>(StringComparer.Ordinal);
        var places = new List<(string Name, long Begin, long End)>();
        Dictionary<string, string>? metadata = null;
        Expect(ref reader, JsonTokenType.StartObject);
        while (NextName(ref reader) is { } name)
        {
            if (name == "__metadata__")
            {
                if (metadata is not null) throw new JsonException("\"__metadata__\" stands twice");
                metadata = ReadMetadata(ref reader);
                continue;
            }

            if (tensors.Count == MostTensors) throw new InputException($"{file.Path}: more than {MostTensors} tensors");
            var (info, begin, end) = ReadTensor(ref reader, file, name, dataStart);
            if (!tensors.TryAdd(name, info))
                throw new InputException($"{file.Path}: tensor \"{InputText.Show(name)}\" stands twice in the header");
            places.Add((name, begin, end));
        }

        if (reader.Read()) throw new JsonException("text after the header's object");
        return new SafetensorsHeader(tensors, Place(file, places, dataStart), metadata ?? []);
    }

    private static (TensorInfo Info, long Begin, long End) ReadTensor(
        ref Utf8JsonReader reader, MappedFile file, string name, long dataStart)
    {
        var shown = InputText.Show(name);
        string? code = null;
        List<long>? shape = null, offsets = null;
        Expect(ref reader, JsonTokenType.StartObject);
        while (NextName(ref reader) is { } key)
        {
            switch (key)
            {
                case "dtype" when code is null:
                    Expect(ref reader, JsonTokenType.String);
                    code = reader.GetString();
                    break;
                case "shape" when shape is null:
                    shape = ReadNumbers(ref reader, file, shown, "shape");
                    break;
                case "data_offsets" when offsets is null:
                    offsets = ReadNumbers(ref reader, file, shown, "data_offsets");
                    break;
                default:
                    throw new InputException(
                        $"{file.Path}: tensor \"{shown}\": expected dtype, shape and data_offsets once each, found "
                            + $"\"{InputText.Show(key)}\"");
            }
        }

        if (code is null || shape is null || offsets is null)
            throw new InputException(
                $"{file.Path}: tensor \"{shown}\": {(code is null ? "dtype" : shape is null ? "shape" : "data_offsets")} is missing");
        if (!TensorTypes.TryParse(code, out var type))
            throw new InputException($"{file.Path}: tensor \"{shown}\": unknown dtype \"{InputText.Show(code)}\"");
        if (offsets.Count != 2)
            throw new InputException($"{file.Path}: tensor \"{shown}\": expected two data_offsets, found {offsets.Count}");
        var (begin, end) = (offsets[0], offsets[1]);
        if (begin > end || end > file.Length - dataStart)
            throw new InputException(
                $"{file.Path}: tensor \"{shown}\": data_offsets [{begin}, {end}] lie outside the {file.Length - dataStart} bytes of data");
        var info = new TensorInfo(name, type, shape);
        if (!TryByteCount(info, out var bytes) || bytes != end - begin)
            throw new InputException(
                $"{file.Path}: tensor \"{shown}\": shape {info.ShapeText} of {code} does not fit its {end - begin} bytes");
        return (info, begin, end);
    }

    private static bool TryByteCount(TensorInfo info, out long bytes)
    {
        try
        {
            bytes = info.ByteCount;
            return true;
        }
        catch (OverflowException)
        {
            bytes = 0;
            return false;
        }
    }

    private static Dictionary<string, long> Place(MappedFile file, List<(string Name, long Begin, long End)> places, long dataStart)
    {
        var offsets = new Dictionary<string, long>(places.Count, StringComparer.Ordinal);
        places.Sort((a, b) => a.Begin != b.Begin ? a.Begin.CompareTo(b.Begin) : a.End.CompareTo(b.End));
        var position = 0L;
        foreach (var (name, begin, end) in places)
        {
            if (begin != position)
                throw new InputException(
                    $"{file.Path}: tensor \"{InputText.Show(name)}\" "
                        + $"{(begin < position ? "overlaps the one before it" : "leaves a hole before it")}: expected it at byte "
                        + $"{position} of the data, found {begin}");
            offsets.Add(name, dataStart + begin);
            position = end;
        }

        if (position != file.Length - dataStart)
            throw new InputException($"{file.Path}: expected {position} bytes of tensor data, found {file.Length - dataStart}");
        return offsets;
    }

    private static List<long> ReadNumbers(ref Utf8JsonReader reader, MappedFile file, string shown, string key)
    {
        Expect(ref reader, JsonTokenType.StartArray);
        var numbers = new List<long>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out var number) || number < 0)
                throw new InputException($"{file.Path}: tensor \"{shown}\": {key} must be whole numbers from 0 to 2^63");
            if (numbers.Count == MostDimensions)
                throw new InputException($"{file.Path}: tensor \"{shown}\": {key} has more than {MostDimensions} numbers");
            numbers.Add(number);
        }

        return numbers;
    }

    private static Dictionary<string, string> ReadMetadata(ref Utf8JsonReader reader)
    {
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        Expect(ref reader, JsonTokenType.StartObject);
        while (NextName(ref reader) is { } key)
        {
            Expect(ref reader, JsonTokenType.String);
            if (!metadata.TryAdd(key, reader.GetString()!)) throw new JsonException($"\"{key}\" stands twice in __metadata__");
        }

        return metadata;
    }

    private static string? NextName(ref Utf8JsonReader reader)
    {
        if (!reader.Read()) throw new JsonException("the header ends too early");
        if (reader.TokenType != JsonTokenType.PropertyName) return null;
        return reader.ValueSpan.Length <= LongestName
            ? reader.GetString()
            : throw new JsonException($"a name of {reader.ValueSpan.Length} bytes");
    }

    private static void Expect(ref Utf8JsonReader reader, JsonTokenType type)
    {
        if (!reader.Read() || reader.TokenType != type) throw new JsonException($"expected {type}, found {reader.TokenType}");
    }
}
