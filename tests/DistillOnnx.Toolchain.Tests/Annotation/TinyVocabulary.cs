using System.Text;

namespace DistillOnnx.Toolchain.Tests.Annotation;

/// <summary>
/// The tokens of a tiny language model: one for each printable ASCII character and the line end, special tokens of a chat template,
/// and whole words that no text is split into, but that the model can answer with.
/// </summary>
internal sealed class TinyVocabulary
{
    public const int End = 0, System = 1, User = 2, Assistant = 3;

    private const int FirstCharacter = 4;
    private readonly List<string> _texts;

    public TinyVocabulary(params string[] words)
    {
        Words = words;
        _texts = [.. Special, "\n", .. Enumerable.Range(' ', '~' - ' ' + 1).Select(c => ((char)c).ToString()), .. words];
    }

    /// <summary>Special tokens, by id.</summary>
    public static IReadOnlyList<string> Special { get; } = ["<|end|>", "<|system|>", "<|user|>", "<|assistant|>"];

    /// <summary>The template by which a conversation becomes a text.</summary>
    public static string ChatTemplate =>
        "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}{% endfor %}"
        + "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}";

    public IReadOnlyList<string> Words { get; }

    public int Count => _texts.Count;

    /// <summary>The token of a word.</summary>
    public int Word(int index) => Count - Words.Count + index;

    /// <summary>A token as byte-level BPE writes it: blanks and line ends have letters of their own.</summary>
    public string Written(int token) =>
        token < FirstCharacter ? _texts[token] : _texts[token].Replace(' ', '\u0120').Replace('\n', '\u010a');

    /// <summary>Splits a text, special tokens first.</summary>
    public int[] Encode(string text)
    {
        var tokens = new List<int>();
        for (var at = 0; at < text.Length;)
        {
            var special = Special.ToList().FindIndex(s => string.CompareOrdinal(text, at, s, 0, s.Length) == 0);
            tokens.Add(special >= 0 ? special : _texts.IndexOf(text[at].ToString()));
            at += special >= 0 ? Special[special].Length : 1;
        }

        return [.. tokens];
    }

    /// <summary>The text of tokens without the special ones.</summary>
    public string Decode(IEnumerable<int> tokens) =>
        tokens.Where(t => t >= FirstCharacter).Aggregate(new StringBuilder(), (text, t) => text.Append(_texts[t])).ToString();
}
