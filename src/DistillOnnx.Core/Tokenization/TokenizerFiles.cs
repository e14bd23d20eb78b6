namespace DistillOnnx.Core.Tokenization;

/// <summary>The files that hold a tokenizer.</summary>
public static class TokenizerFiles
{
    internal const string FastFile = "tokenizer.json";
    internal const string ConfigFile = "tokenizer_config.json";
    internal const string SpecialFile = "special_tokens_map.json";
    internal const string AddedFile = "added_tokens.json";

    /// <summary>No tokenizer comes near this size; a larger file is not read into memory.</summary>
    private const long MaxBytes = 256L << 20;

    /// <summary>The tokenizer files of a checkpoint or bundle, of which a directory has some or all.</summary>
    public static IReadOnlyList<string> Names { get; } = [T5Tokenizer.ModelFileName, FastFile, ConfigFile, SpecialFile, AddedFile];

    /// <summary>Reads a file whose size is plausible.</summary>
    /// <param name="path">The file.</param>
    internal static byte[] ReadBounded(string path)
    {
        try
        {
            var length = new FileInfo(path).Length;
            if (length > MaxBytes) throw new InputException($"{path}: {length} bytes, expected a tokenizer's file of at most {MaxBytes}");
            return File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path}: cannot be read: {e.Message}", e);
        }
    }
}
