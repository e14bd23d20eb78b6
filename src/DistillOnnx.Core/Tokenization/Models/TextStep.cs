using System.Text;

namespace DistillOnnx.Core.Tokenization.Models;

/// <summary>What a <c>tokenizer.json</c> does to a text before its replacement rules.</summary>
/// <param name="Kind">What is done.</param>
/// <param name="Pattern">The text that <see cref="TextStepKind.Replace"/> replaces.</param>
/// <param name="Content">What it is replaced by.</param>
internal sealed record TextStep(TextStepKind Kind, string Pattern = "", string Content = "")
{
    /// <summary>Does the steps one after the other.</summary>
    /// <param name="steps">The steps.</param>
    /// <param name="text">A text.</param>
    public static string Apply(IReadOnlyList<TextStep> steps, string text)
    {
        foreach (var step in steps)
        {
            text = step.Kind switch
            {
                TextStepKind.Lowercase => Lower(text),
                TextStepKind.Spaces => string.Create(text.Length, text, (to, from) =>
                {
                    for (var i = 0; i < to.Length; i++) to[i] = char.IsWhiteSpace(from[i]) ? ' ' : from[i];
                }),
                _ => text.Replace(step.Pattern, step.Content, StringComparison.Ordinal),
            };
        }

        return text;
    }

    // Character by character, as the tokenizers library does. U+0130 is the one character whose small letter is two.
    private static string Lower(string text)
    {
        var lower = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            if (rune.Value == 0x130) lower.Append("i\u0307");
            else lower.Append(Rune.ToLowerInvariant(rune));
        }

        return lower.ToString();
    }
}
