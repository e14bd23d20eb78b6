using System.Globalization;

namespace DistillOnnx.Data.Metrics;

/// <summary>
/// Evaluates arithmetic written by people and models: decimal numbers, <c>+ - * /</c> (also <c>× ÷ −</c>), unary signs,
/// parentheses and <c>%</c> after a value. Nothing else is understood, nothing is executed, and the work is bounded.
/// </summary>
public static class Arithmetic
{
    /// <summary>Longest text that is looked at, in characters.</summary>
    public const int MaxLength = 4096;

    /// <summary>Deepest nesting of parentheses.</summary>
    public const int MaxDepth = 64;

    /// <summary>Evaluates an expression.</summary>
    /// <param name="text">The expression.</param>
    /// <param name="value">Its value; 0 where there is none.</param>
    /// <returns>False where the text is not arithmetic, is too long or too deep, divides by zero or overflows.</returns>
    public static bool TryEvaluate(string text, out double value)
    {
        value = 0;
        if (text.Length > MaxLength) return false;
        var parser = new Parser(text);
        if (!parser.Sum(out var result, 0) || !parser.AtEnd || !double.IsFinite(result)) return false;
        value = result;
        return true;
    }

    private ref struct Parser(ReadOnlySpan<char> text)
    {
        private readonly ReadOnlySpan<char> _text = text;
        private int _at;

        public bool AtEnd => Peek() == '\0' && _at == _text.Length;

        public bool Sum(out double value, int depth)
        {
            if (!Product(out value, depth)) return false;
            while (Peek() is '+' or '-' or '−')
            {
                var plus = _text[_at++] == '+';
                if (!Product(out var right, depth)) return false;
                value = plus ? value + right : value - right;
            }

            return true;
        }

        private bool Product(out double value, int depth)
        {
            if (!Factor(out value, depth)) return false;
            while (Peek() is '*' or '/' or '×' or '÷')
            {
                var times = _text[_at++] is '*' or '×';
                if (!Factor(out var right, depth) || (!times && right == 0)) return false;
                value = times ? value * right : value / right;
            }

            return true;
        }

        private bool Factor(out double value, int depth)
        {
            var negative = false;
            while (Peek() is '+' or '-' or '−') negative ^= _text[_at++] != '+';
            if (Peek() == '(')
            {
                _at++;
                value = 0;
                if (depth == MaxDepth || !Sum(out value, depth + 1) || Peek() != ')') return false;
                _at++;
            }
            else if (!Number(out value))
            {
                return false;
            }

            if (Peek() == '%')
            {
                _at++;
                value /= 100;
            }

            if (negative) value = -value;
            return true;
        }

        private bool Number(out double value)
        {
            var start = _at;
            while (_at < _text.Length && (char.IsAsciiDigit(_text[_at]) || _text[_at] is '.' or ',')) _at++;
            var number = _text[start.._at];
            value = 0;
            if (number.Contains(',') && !HasThousands(number)) return false;
            return number.ContainsAnyInRange('0', '9')
                && double.TryParse(
                    number, NumberStyles.AllowDecimalPoint | NumberStyles.AllowThousands, CultureInfo.InvariantCulture, out value);
        }

        // A comma separates thousands (11,210); elsewhere it separates answers (14, 21), and that is not one number.
        private static bool HasThousands(ReadOnlySpan<char> number)
        {
            var point = number.IndexOf('.');
            var whole = point < 0 ? number : number[..point];
            if (point >= 0 && number[point..].Contains(',')) return false;
            var first = true;
            foreach (var range in whole.Split(','))
            {
                var length = whole[range].Length;
                if (first ? length is < 1 or > 3 : length != 3) return false;
                first = false;
            }

            return true;
        }

        private char Peek()
        {
            while (_at < _text.Length && char.IsWhiteSpace(_text[_at])) _at++;
            return _at < _text.Length ? _text[_at] : '\0';
        }
    }
}
