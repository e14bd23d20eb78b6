using DistillOnnx.Toolchain.Annotation;
using Microsoft.Extensions.AI;

namespace DistillOnnx.Teacher.Tests;

/// <summary>Brings the rule-based teacher, which is part of the toolchain.</summary>
internal static partial class ChildProcess
{
    static partial void Choose(AnnotateOptions options, ref IChatClient? teacher)
    {
        if (options.Teacher == "rules") teacher = new RulesChatClient();
    }
}
