using System.Buffers.Binary;
using System.Text;
using DistillOnnx.Core;

namespace DistillOnnx.Checkpoints.PyTorch;

/// <summary>
/// Reads a pickle (protocols 2 to 5) of weights. A pickle is a program for a stack machine; this machine has the instructions
/// that build numbers, texts, tuples, lists, dictionaries and views of storages, and no others. A name of a class or function
/// is compared with a short list and never looked up, so there is nothing that a file could have executed.
/// </summary>
internal ref struct Unpickler
{
    /// <summary>Far above any real one: the largest T5 takes some 100 KB.</summary>
    public const int LongestPickle = 32 << 20;

    private const int MostInstructions = 1_000_000;
    private static readonly object Mark = new();
    private static readonly UTF8Encoding StrictUtf8 = new(false, throwOnInvalidBytes: true);

    private readonly ReadOnlySpan<byte> _data;
    private readonly string _path;
    private readonly List<object?> _stack = [];
    private readonly Dictionary<long, object?> _memo = [];
    private int _position;

    private Unpickler(ReadOnlySpan<byte> data, string path)
    {
        _data = data;
        _path = path;
    }

    /// <summary>Reads the pickle at the start of some bytes.</summary>
    /// <param name="data">The bytes.</param>
    /// <param name="path">Named in messages.</param>
    /// <param name="length">How many bytes it took.</param>
    /// <returns>Null, bool, long, double, string, byte[], object[] for a tuple, a list, or one of the types beside this one.</returns>
    /// <exception cref="InputException">The pickle is malformed, or asks for something that is no weight.</exception>
    public static object? Read(ReadOnlySpan<byte> data, string path, out int length)
    {
        var unpickler = new Unpickler(data, path);
        var result = unpickler.Run();
        length = unpickler._position;
        return result;
    }

    private object? Run()
    {
        for (var i = 0; i < MostInstructions; i++)
        {
            var at = _position;
            var code = Take(1)[0];
            if (code == (byte)'.')
            {
                var result = Pop();
                return _stack.Count == 0 ? result : throw Bad("values are left over at its end");
            }

            Execute(code, at);
        }

        throw Bad($"more than {MostInstructions} instructions");
    }

    private void Execute(byte code, int at)
    {
        switch ((char)code)
        {
            case '\x80':
                var protocol = Take(1)[0];
                if (protocol is < 2 or > 5) throw Bad($"expected protocol 2 to 5, found {protocol}");
                break;
            case '\x95': // FRAME: a hint on how much to read ahead
                Take(8);
                break;
            case '(':
                _stack.Add(Mark);
                break;
            case '0':
                Pop();
                break;
            case '1':
                PopToMark();
                break;
            case '2':
                _stack.Add(Peek());
                break;
            case 'N':
                _stack.Add(null);
                break;
            case '\x88':
                _stack.Add(true);
                break;
            case '\x89':
                _stack.Add(false);
                break;
            case 'J':
                _stack.Add((long)BinaryPrimitives.ReadInt32LittleEndian(Take(4)));
                break;
            case 'K':
                _stack.Add((long)Take(1)[0]);
                break;
            case 'M':
                _stack.Add((long)BinaryPrimitives.ReadUInt16LittleEndian(Take(2)));
                break;
            case '\x8a':
                _stack.Add(Integer(Take(Take(1)[0])));
                break;
            case 'G':
                _stack.Add(BinaryPrimitives.ReadDoubleBigEndian(Take(8)));
                break;
            case 'X':
                _stack.Add(Text(Take(Length(4))));
                break;
            case '\x8c':
                _stack.Add(Text(Take(Length(1))));
                break;
            case '\x8d':
                _stack.Add(Text(Take(Length(8))));
                break;
            case 'T': // texts of Python 2
                _stack.Add(Text(Take(Length(4))));
                break;
            case 'U':
                _stack.Add(Text(Take(Length(1))));
                break;
            case 'B':
                _stack.Add(Take(Length(4)).ToArray());
                break;
            case 'C':
                _stack.Add(Take(Length(1)).ToArray());
                break;
            case ')':
                _stack.Add(Array.Empty<object?>());
                break;
            case '\x85':
                _stack.Add(PopTuple(1));
                break;
            case '\x86':
                _stack.Add(PopTuple(2));
                break;
            case '\x87':
                _stack.Add(PopTuple(3));
                break;
            case 't':
                _stack.Add(PopToMark());
                break;
            case ']':
                _stack.Add(new List<object?>());
                break;
            case 'l':
                _stack.Add(PopToMark().ToList());
                break;
            case 'a':
                var item = Pop();
                As<List<object?>>(Peek(), "a list").Add(item);
                break;
            case 'e':
                var items = PopToMark();
                As<List<object?>>(Peek(), "a list").AddRange(items);
                break;
            case '}':
                _stack.Add(new PickleDictionary());
                break;
            case 'd':
                var pairs = PopToMark();
                _stack.Add(new PickleDictionary());
                SetItems(pairs);
                break;
            case 's':
                SetItems(PopTuple(2));
                break;
            case 'u':
                SetItems(PopToMark());
                break;
            case 'q':
                _memo[Length(1)] = Peek();
                break;
            case 'r':
                _memo[Length(4)] = Peek();
                break;
            case '\x94':
                _memo[_memo.Count] = Peek();
                break;
            case 'h':
                Recall(Length(1));
                break;
            case 'j':
                Recall(Length(4));
                break;
            case 'c':
                _stack.Add(Global(Line(), Line()));
                break;
            case '\x93':
                var names = PopTuple(2);
                _stack.Add(Global(As<string>(names[0], "a text"), As<string>(names[1], "a text")));
                break;
            case 'Q':
                _stack.Add(Storage(As<object?[]>(Pop(), "a tuple")));
                break;
            case 'R':
                var arguments = As<object?[]>(Pop(), "a tuple");
                _stack.Add(Reduce(As<PickleGlobal>(Pop(), "a name"), arguments));
                break;
            case 'b': // attributes of a dictionary, for instance the versions of the modules: nothing that weights need
                As<PickleDictionary>(Pop(), "a dictionary");
                As<PickleDictionary>(Peek(), "a dictionary");
                break;
            default:
                throw new InputException(
                    $"{_path}: the pickle's instruction 0x{code:x2} at byte {at} is not one that weights need; nothing was executed");
        }
    }

    private readonly PickleGlobal Global(string module, string name) =>
        PickleGlobal.Find(module, name)
        ?? throw new InputException(
            $"{_path}: the pickle names {InputText.Show($"{module}.{name}")}, which is neither a tensor nor a dictionary; nothing was "
                + "executed");

    private readonly object Reduce(PickleGlobal function, object?[] arguments)
    {
        if (function == PickleGlobal.OrderedDictionary)
            return arguments.Length == 0 ? new PickleDictionary() : throw Bad("expected an ordered dictionary to begin empty");
        if (function == PickleGlobal.RebuildParameter)
            return arguments.Length >= 1 ? As<PickledTensor>(arguments[0], "a tensor") : throw Bad("a parameter without a tensor");
        if (function != PickleGlobal.RebuildTensor) throw Bad($"{function.Name} is no function");
        if (arguments.Length is < 4 or > 7) throw Bad($"expected four to seven arguments of a tensor, found {arguments.Length}");
        var tensor = new PickledTensor(
            As<PickledStorage>(arguments[0], "a storage"),
            Whole(arguments[1]),
            Wholes(arguments[2]),
            Wholes(arguments[3]));
        return tensor.Fault() is { } fault ? throw Bad($"a tensor with {fault}") : tensor;
    }

    private readonly PickledStorage Storage(object?[] id)
    {
        // ('storage', class, key, device, count), in files before 1.6 with a sixth that describes a part of another storage.
        if (id.Length is not (5 or 6) || id[0] is not "storage") throw Bad("a reference to something that is no storage");
        if (id.Length == 6 && id[5] is not null)
            throw Bad("a storage that is part of another, as PyTorch wrote before 0.4; load and save it with a newer one");
        var type = As<PickleGlobal>(id[1], "a name").Storage ?? throw Bad("a storage without an element type");
        var count = Whole(id[4]);
        return count >= 0 ? new PickledStorage(type, As<string>(id[2], "a text"), count) : throw Bad("a storage of negative size");
    }

    private readonly long Whole(object? value) => value is long number ? number : throw Bad("expected a whole number");

    private readonly long[] Wholes(object? value)
    {
        var tuple = As<object?[]>(value, "a tuple");
        var numbers = new long[tuple.Length];
        for (var i = 0; i < numbers.Length; i++) numbers[i] = Whole(tuple[i]);
        return numbers;
    }

    private readonly T As<T>(object? value, string what)
        where T : class => value as T ?? throw Bad($"expected {what}");

    private readonly void SetItems(object?[] pairs)
    {
        var dictionary = As<PickleDictionary>(Peek(), "a dictionary");
        if (pairs.Length % 2 != 0) throw Bad("a key without a value");
        for (var i = 0; i < pairs.Length; i += 2) dictionary.Items.Add(new(pairs[i], pairs[i + 1]));
    }

    private readonly void Recall(long key) => _stack.Add(_memo.TryGetValue(key, out var value) ? value : throw Bad($"memo {key} is empty"));

    private readonly object? Peek() => _stack.Count > 0 && _stack[^1] != Mark ? _stack[^1] : throw Bad("a value is missing");

    private readonly object? Pop()
    {
        var value = Peek();
        _stack.RemoveAt(_stack.Count - 1);
        return value;
    }

    private readonly object?[] PopTuple(int count)
    {
        var values = new object?[count];
        for (var i = count - 1; i >= 0; i--) values[i] = Pop();
        return values;
    }

    private readonly object?[] PopToMark()
    {
        var mark = _stack.LastIndexOf(Mark);
        if (mark < 0) throw Bad("a mark is missing");
        object?[] values = [.. _stack[(mark + 1)..]];
        _stack.RemoveRange(mark, _stack.Count - mark);
        return values;
    }

    private readonly long Integer(ReadOnlySpan<byte> bytes)
    {
        // Longer ones are the file's magic number, which the caller knows by its bytes.
        if (bytes.Length > 8) throw Bad("a whole number of more than eight bytes");
        var value = 0L;
        for (var i = bytes.Length - 1; i >= 0; i--) value = (value << 8) | bytes[i];
        var unused = 64 - 8 * bytes.Length;
        return bytes.Length == 0 ? 0 : value << unused >> unused;
    }

    private readonly string Text(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return StrictUtf8.GetString(bytes);
        }
        catch (ArgumentException)
        {
            throw Bad("a text that is not UTF-8");
        }
    }

    private int Length(int size)
    {
        var bytes = Take(size);
        var length = size switch
        {
            1 => bytes[0],
            4 => BinaryPrimitives.ReadUInt32LittleEndian(bytes),
            _ => BinaryPrimitives.ReadUInt64LittleEndian(bytes),
        };
        return length <= int.MaxValue ? (int)length : throw Bad($"a length of {length}");
    }

    private string Line()
    {
        var end = _data[_position..].IndexOf((byte)'\n');
        if (end < 0) throw Bad("a name without an end");
        var line = Text(Take(end));
        Take(1);
        return line;
    }

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count > _data.Length - _position) throw Bad("it ends too early");
        _position += count;
        return _data.Slice(_position - count, count);
    }

    private readonly InputException Bad(string what) => new($"{_path}: the pickle is malformed near byte {_position}: {what}");
}
