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
    /// <exception cref="InputException">It is longer, empty or no regular file, or cannot be read.</exception>
    internal static byte[] ReadBounded(string path) => PlainFile.Read(path, MaxBytes);
}
