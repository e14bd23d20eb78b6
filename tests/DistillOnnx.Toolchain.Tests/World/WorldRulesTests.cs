using DistillOnnx.Toolchain.Scenes;
using DistillOnnx.Toolchain.World;

namespace DistillOnnx.Toolchain.Tests.World;

public sealed class WorldRulesTests
{
    [Theory]
    [InlineData("Mia has a trout. Is half of it or more alive?", "A fish is alive. That is 1 of 1.", "yes")]
    [InlineData("There is a blue owl with Ben. Is it heavy for at least one half?", "A bird is not heavy. That is 0 of 1.", "no")]
    [InlineData(
        "Mia found a hammer and a red rose. Is half of it or more alive?",
        "A tool is not alive, a flower is alive. That is 1 of 2.", "yes")]
    [InlineData(
        "Outside is an oak. Mia has a hammer, a trout and an axe. Is it alive for at least one half?",
        "A tool is not alive, a fish is alive, a tool is not alive. That is 1 of 3.",
        "no")]
    [InlineData(
        "There is a drum, a green bus, a fly and a fig with Tom. Outside is a red cup. Is half of it or more loud?",
        "An instrument is loud, a vehicle is loud, an insect is loud, a fruit is not loud. That is 3 of 4.",
        "yes")]
    [InlineData("Mia has a box and a trout. Is half of it or more alive?", "Nothing tells what is in the box.", "unknown")]
    public void Answer_Text_GivesReasonsAndLabel(string input, string rationale, string label) =>
        Assert.Equal(new RuleAnswer(rationale, label), WorldRules.Answer(input));

    [Theory]
    [InlineData("")]
    [InlineData("Mia has a trout.")]
    [InlineData("Is half of it or more alive?")]
    [InlineData("Outside is a trout. Is half of it or more alive?")]
    [InlineData("Mia has a trout. Mia has a trout. Is half of it or more alive?")]
    [InlineData("Mia has a unicorn. Is half of it or more alive?")]
    [InlineData("Mia has a shiny trout. Is half of it or more alive?")]
    [InlineData("Zoe has a trout. Is half of it or more alive?")]
    [InlineData("Mia has a trout. Is half of it or more happy?")]
    [InlineData("Mia has a trout. Is half of it or more bird?")]
    [InlineData("The stock market fell. Why?")]
    public void Answer_WhatItDoesNotUnderstand_Abstains(string input) => Assert.Null(WorldRules.Answer(input));
}
