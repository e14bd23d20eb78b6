using System.Text;

namespace DistillOnnx.Teacher.Answers;

/// <summary>
/// One line of Markdown without its marks: emphasis, code, links and escapes, by CommonMark's rules of which marks belong together, and
/// more careful than these where a mark may be a sign of the text: <c>2*3*4</c>, <c>5 * 3</c>, <c>*args</c>, <c>snake_case</c>,
/// <c>__init__</c> and <c>a[0](x)</c> stay. The time is linear in the length of the line.
/// </summary>
internal sealed class InlineMarkdown
{
    private const string Marks = "*_`[~\\<";
    private const string Escapable = "*_`#~|";
    private const string BeforeEmphasis = "([{\"'“‘«—–-:;,.!?>|*_~`…<";
    private const string AfterEmphasis = ")]}\"'”’»—–-:;,.!?<|*_~`…>";
    private const string Operators = "+=/^";
    private const int LongestTicks = 3;
    private const char FirstOfEastAsia = '\u2E80';
    private readonly string _line;

    // Characters that are left out, and characters that are no marks, as those of code.
    private readonly bool[] _out;
    private readonly bool[] _text;
    private readonly Stack<Opener>[] _openers = [new(), new(), new()];
    private readonly int[] _letters;
    private readonly int[] _operators;
    private readonly int[] _otherThanNames;
    private readonly int[] _brackets;

    private InlineMarkdown(string line)
    {
        _line = line;
        _out = new bool[line.Length];
        _text = new bool[line.Length];
        (_letters, _operators) = (new int[line.Length + 1], new int[line.Length + 1]);
        (_otherThanNames, _brackets) = (new int[line.Length + 1], new int[line.Length + 1]);
        for (var i = 0; i < line.Length; i++)
        {
            _letters[i + 1] = _letters[i] + (char.IsLetter(line[i]) ? 1 : 0);
            _operators[i + 1] = _operators[i] + (Operators.Contains(line[i], StringComparison.Ordinal) ? 1 : 0);
            _otherThanNames[i + 1] = _otherThanNames[i] + (line[i] is '_' || char.IsAsciiLetterLower(line[i])
                || char.IsAsciiDigit(line[i]) ? 0 : 1);
            _brackets[i + 1] = _brackets[i] + (line[i] is '(' or '[' or '{' ? 1 : line[i] is ')' or ']' or '}' ? -1 : 0);
        }
    }

    /// <summary>The line without marks.</summary>
    public static string Plain(string line)
    {
        if (line.AsSpan().IndexOfAny(Marks) < 0) return line;
        var marked = new InlineMarkdown(line);
        marked.TakeOutEscapesCodeAndLinks();
        marked.TakeOutEmphasis();
        var plain = new StringBuilder(line.Length);
        for (var i = 0; i < line.Length; i++)
        {
            if (!marked._out[i]) plain.Append(line[i]);
        }

        return plain.ToString();
    }

    private void TakeOutEscapesCodeAndLinks()
    {
        var brackets = new Stack<int>();
        var unclosed = new bool[LongestTicks + 1];
        var isPath = false;
        for (var i = 0; i < _line.Length;)
        {
            switch (_line[i])
            {
                case '\\':
                    // Backslashes of a path, or of a formula, escape nothing.
                    var escapes = i + 1 < _line.Length && Escapable.Contains(_line[i + 1], StringComparison.Ordinal);
                    isPath |= !escapes || (i > 0 && _line[i - 1] == ':');
                    if (escapes) _text[i + 1] = true;
                    if (escapes && !isPath) _out[i] = true;
                    i += escapes ? 2 : 1;
                    break;
                case '`':
                    i = TakeOutCode(i, unclosed);
                    break;
                case '[':
                    brackets.Push(i++);
                    break;
                case ']':
                    if (brackets.TryPop(out var start)) i = TakeOutLink(start, i);
                    else i++;
                    break;
                case '<':
                    i = TakeOutAddress(i);
                    break;
                default:
                    if (char.IsWhiteSpace(_line[i])) isPath = false;
                    i++;
                    break;
            }
        }
    }

    private int TakeOutCode(int start, bool[] unclosed)
    {
        var ticks = RunAt(start);
        var from = start + ticks;
        if (ticks > LongestTicks || unclosed[ticks]) return from;
        for (var at = from; at < _line.Length;)
        {
            if (_line[at] != '`')
            {
                at++;
                continue;
            }

            var run = RunAt(at);
            if (run == ticks)
            {
                _out.AsSpan(start, ticks).Fill(true);
                _out.AsSpan(at, ticks).Fill(true);
                _text.AsSpan(from, at - from).Fill(true);
                // Two ticks leave a blank between them and a tick of the code.
                if (ticks > 1 && at - from > 2 && _line[from] == ' ' && _line[at - 1] == ' ') (_out[from], _out[at - 1]) = (true, true);
                return at + ticks;
            }

            at += run;
        }

        unclosed[ticks] = true;
        return from;
    }

    // What stands in brackets with an address after it.
    private int TakeOutLink(int start, int end)
    {
        var image = start > 0 && _line[start - 1] == '!';
        var before = start - (image ? 2 : 1);
        if (end + 1 >= _line.Length || _line[end + 1] != '(' || (end == start + 1 && !image)) return end + 1;
        if (before >= 0 && (IsWord(_line[before]) || _line[before] is ')' or ']')) return end + 1;
        var (at, depth, isAddress, quoted) = (end + 2, 0, false, false);
        for (; at < _line.Length; at++)
        {
            var c = _line[at];
            if (c == '"') quoted = !quoted;
            if (quoted) continue;
            if (c is '[' or ']' or '<' or '>') return end + 1;
            if (c == ')' && depth-- == 0) break;
            if (c == '(') depth++;
            isAddress |= c is '/' or '#' or '@' or ':' || (c == '.' && at + 1 < _line.Length && char.IsLetter(_line[at + 1]));
            if (char.IsWhiteSpace(c) && !(at + 1 < _line.Length && _line[at + 1] == '"')) return end + 1;
        }

        if (at == _line.Length || !isAddress) return end + 1;
        _out[start] = true;
        if (image) _out[start - 1] = true;
        _out.AsSpan(end, at + 1 - end).Fill(true);
        _text.AsSpan(end, at + 1 - end).Fill(true);
        return at + 1;
    }

    private int TakeOutAddress(int start)
    {
        if (!_line.AsSpan(start + 1).StartsWith("http", StringComparison.OrdinalIgnoreCase)) return start + 1;
        var end = start + 1;
        while (end < _line.Length && _line[end] is not ('<' or '>') && !char.IsWhiteSpace(_line[end])) end++;
        if (end == _line.Length || _line[end] != '>') return end;
        (_out[start], _out[end]) = (true, true);
        _text.AsSpan(start, end + 1 - start).Fill(true);
        return end + 1;
    }

    private void TakeOutEmphasis()
    {
        for (var i = 0; i < _line.Length;)
        {
            if (_text[i] || _line[i] is not ('*' or '_' or '~'))
            {
                i++;
                continue;
            }

            var run = RunAt(i);
            if (run <= (_line[i] == '~' ? 2 : 3) && !(_line[i] == '~' && run == 1)) Run(i, run);
            i += run;
        }
    }

    private void Run(int at, int length)
    {
        var (before, after) = (at == 0 ? ' ' : _line[at - 1], at + length == _line.Length ? ' ' : _line[at + length]);
        var openers = _openers[_line[at] switch { '*' => 0, '_' => 1, _ => 2 }];
        var left = length;
        if (!char.IsWhiteSpace(before) && before is not ('(' or '[' or '{') && IsEdge(after, AfterEmphasis))
        {
            while (left > 0 && openers.TryPop(out var opener))
            {
                var taken = Math.Min(left, opener.Length);
                if (!IsEmphasis(opener.At + opener.Length, at + length - left, _line[at], taken)) break;
                _out.AsSpan(opener.At + opener.Length - taken, taken).Fill(true);
                _out.AsSpan(at + length - left, taken).Fill(true);
                left -= taken;
                // Marks between the two belong to nothing outside of them.
                foreach (var others in _openers)
                {
                    while (others.TryPeek(out var inner) && inner.At > opener.At) others.Pop();
                }

                if (taken < opener.Length) openers.Push(opener with { Length = opener.Length - taken });
            }
        }

        if (left == length && !char.IsWhiteSpace(after) && IsEdge(before, BeforeEmphasis)) openers.Push(new Opener(at, length));
    }

    // Words between single marks; names such as __init__, a sum's factors and what ends within brackets are none.
    private bool IsEmphasis(int from, int to, char mark, int marks)
    {
        if (to <= from || _brackets[to] != _brackets[from]) return false;
        if (mark == '_' && _otherThanNames[to] == _otherThanNames[from] && (marks > 1 || _line.AsSpan(from, to - from).Contains('_')))
            return false;
        if (marks != 1) return true;
        return to - from > 1 && _letters[to] > _letters[from] && _operators[to] == _operators[from]
            && (char.IsLetterOrDigit(_line[from]) || "\"'“‘«*_~`[".Contains(_line[from], StringComparison.Ordinal));
    }

    private int RunAt(int start)
    {
        var end = start;
        while (end < _line.Length && _line[end] == _line[start] && (_line[start] == '`' || !_text[end])) end++;
        return end - start;
    }

    // Languages without spaces put marks between their letters.
    private static bool IsEdge(char c, string edges) =>
        char.IsWhiteSpace(c) || c >= FirstOfEastAsia || edges.Contains(c, StringComparison.Ordinal);

    private static bool IsWord(char c) => char.IsLetterOrDigit(c) && c < FirstOfEastAsia;

    private readonly record struct Opener(int At, int Length);
}
