using System.Collections;
using System.Globalization;
using System.Text;

namespace DistillOnnx.Stages.Options;

/// <summary>Help out of the options that a stage declares, for a terminal and for a page.</summary>
internal static class OptionHelp
{
    private const int Indent = 30;

    /// <summary>The page of <c>--help</c>.</summary>
    public static string Page(
        string usage,
        string summary,
        string verb,
        IReadOnlyList<OptionDescriptor> options,
        IReadOnlyList<OptionDescriptor> program,
        int width)
    {
        var page = new StringBuilder();
        var arguments = options.Where(o => o.Attribute.Argument).ToList();
        page.AppendLine(summary).AppendLine();
        page.Append("Usage: ").Append(usage);
        foreach (var argument in arguments) page.Append(' ').Append(argument.ValueName).Append(argument.IsList ? "…" : "");
        page.AppendLine(" [options]");
        foreach (var argument in arguments) Entry(page, argument.ValueName, Describe(argument), width);
        page.AppendLine().AppendLine("Options:");
        foreach (var option in options.Where(o => !o.Attribute.Argument).Concat(program))
            Entry(page, Left(option), Describe(option), width);
        Entry(page, "--help", "show this page", width);
        page.AppendLine();
        if (options.FirstOrDefault(o => !o.Attribute.Argument && !o.Attribute.Required) is { } example)
            Wrap(
                page,
                "Flags are stronger than --config FILE, and that than the environment "
                + $"({example.EnvironmentVariable(verb)}). A variable that is set but empty counts as not set, "
                + "and is refused where it should hold a secret. Several values: --name A B or --name A,B.",
                0,
                width);
        return page.ToString();
    }

    /// <summary>One table of options.</summary>
    public static string Markdown(string verb, IReadOnlyList<OptionDescriptor> options)
    {
        var page = new StringBuilder();
        page.AppendLine("| flag | key | environment | meaning |").AppendLine("|---|---|---|---|");
        foreach (var option in options)
        {
            var left = option.Attribute.Argument ? $"`{option.ValueName}` (by position)" : $"`{Left(option)}`";
            var variables = string.Join(", ", option.EnvironmentVariables(verb).Select(v => $"`{v}`"));
            page.AppendLine(CultureInfo.InvariantCulture, $"| {Cell(left)} | `{option.Key}` | {variables} | {Cell(Describe(option))} |");
        }

        return page.ToString();
    }

    private static string Left(OptionDescriptor option) =>
        option.IsSwitch
            ? option.DefaultValue is false ? option.Flag : option.Flag + " [true|false]"
            : $"{option.Flag} {option.ValueName}{(option.IsList && !option.Attribute.Secret ? "…" : "")}";

    private static string Describe(OptionDescriptor option)
    {
        if (option.Attribute.Required) return option.Attribute.Help + " (required)";
        var standard = option.DefaultValue switch
        {
            null or false or "" or ICollection { Count: 0 } => "",
            var value => $" [default: {OptionValue.Format(value)}]",
        };
        return option.Attribute.Help + standard;
    }

    private static string Cell(string text) =>
        text.Replace("|", "\\|", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal);

    private static void Entry(StringBuilder page, string left, string text, int width)
    {
        var start = "  " + left;
        if (start.Length + 2 > Indent) page.AppendLine(start).Append(' ', Indent);
        else page.Append(start.PadRight(Indent));
        Wrap(page, text, Indent, width);
    }

    private static void Wrap(StringBuilder page, string text, int indent, int width)
    {
        var column = indent;
        foreach (var word in text.Split(' '))
        {
            if (column > indent && column + 1 + word.Length > width)
            {
                page.AppendLine().Append(' ', indent);
                column = indent;
            }

            if (column > indent)
            {
                page.Append(' ');
                column++;
            }

            page.Append(word);
            column += word.Length;
        }

        page.AppendLine();
    }
}
