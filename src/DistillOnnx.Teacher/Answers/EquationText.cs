using System.Text.RegularExpressions;
using DistillOnnx.Data.Metrics;

namespace DistillOnnx.Teacher.Answers;

/// <summary>Reads an arithmetic expression as models write it: with its result, units, prices, or in LaTeX.</summary>
internal static partial class EquationText
{
    /// <summary>The expression in parentheses, as the teachers of the paper wrote it.</summary>
    /// <param name="given">The text in the expression's place.</param>
    /// <returns>Null where there is none.</returns>
    public static string? Read(string given)
    {
        var sides = Markup.Bare(given).Split('=').Select(Expression).OfType<string>().ToList();
        // Of an expression and its result, or its name, the one that computes something.
        var found = sides.Find(s => Computes().IsMatch(s)) ?? sides.FirstOrDefault();
        return found is null || (found.StartsWith('(') && found.EndsWith(')')) ? found : $"({found})";
    }

    private static string? Expression(string side)
    {
        side = Markup.Bare(side);
        if (side.Length == 0 || side.Length > Arithmetic.MaxLength) return null;
        if (Arithmetic.TryEvaluate(side, out _)) return side;
        var numbers = Times().Replace(Thousands().Replace(side, ""), " * ");
        numbers = Blanks().Replace(Units().Replace(numbers, " "), " ").Trim();
        return Arithmetic.TryEvaluate(numbers, out _) ? numbers : null;
    }

    [GeneratedRegex(@"[-+*/×÷−]\s*[\d(.]")]
    private static partial Regex Computes();

    [GeneratedRegex(@"(?<=\d),(?=\d{3}(?!\d))")]
    private static partial Regex Thousands();

    [GeneratedRegex(@"(?<=[\d)])\s*[xX·⋅]\s*(?=[\d(])")]
    private static partial Regex Times();

    // Words and signs of money are none of an expression; where they stand for an operator, what is left is no expression.
    [GeneratedRegex(@"[$€£¥°]|[\p{L}][\p{L}\d'’._]*")]
    private static partial Regex Units();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Blanks();
}
