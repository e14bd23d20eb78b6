using DistillOnnx.Core.Tasks;
using DistillOnnx.Toolchain.Scenes;

namespace DistillOnnx.Core.Tests.Rules;

public sealed class SceneRulesTests
{
    [Theory]
    [InlineData("Mia sees a red dog in the garden. Does Mia see an animal?", "A dog is an animal.", "yes")]
    [InlineData("In the attic Ben finds a blue apple. Does Ben find a tool?", "An apple is a fruit, not a tool.", "no")]
    [InlineData("Mia sees a red dog in the garden. Is Mia outdoors?", "The garden is outdoors.", "yes")]
    [InlineData("Mia sees a red dog in the kitchen. Is Mia outdoors?", "The kitchen is indoors, not outdoors.", "no")]
    [InlineData("Mia sees a red dog in the garden. Is the dog red?", "The dog is red.", "yes")]
    [InlineData("Mia sees a red dog in the garden. Is the dog blue?", "The dog is red, not blue.", "no")]
    [InlineData("Mia sees a red dog in the garden. Is the dog old?", "Nothing tells whether the dog is old.", "unknown")]
    [InlineData("Mia sees a red dog in the garden. Is the cat red?", "The text is about a dog, not a cat.", "unknown")]
    [InlineData("Mia sees a red dog in the garden. Is Ben outdoors?", "The text is about Mia, not Ben.", "unknown")]
    [InlineData("Mia sees a red dog in the garden. Does Ben see an animal?", "The text is about Mia, not Ben.", "unknown")]
    public void Answer_Scene_GivesReasonsAndLabel(string input, string rationale, string label) =>
        Assert.Equal(new RuleAnswer(rationale, label), SceneRules.Answer(input));

    [Theory]
    [InlineData("")]
    [InlineData("Mia sees a red dog in the garden.")]
    [InlineData("Is Mia outdoors?")]
    [InlineData("Mia sees a red unicorn in the garden. Is Mia outdoors?")]
    [InlineData("Mia sees a red dog in the garden. Is Mia happy?")]
    [InlineData("Mia sees a red dog in the garden. Is the unicorn red?")]
    [InlineData("Mia sees a red dog in the garden. Does Mia find an animal?")]
    [InlineData("The stock market fell. Why?")]
    public void Answer_WhatItDoesNotUnderstand_Abstains(string input) => Assert.Null(SceneRules.Answer(input));

    [Fact]
    public void Understand_TasksWithOtherLabels_AreLeftAlone()
    {
        Assert.True(SceneRules.Understand(SceneRules.Task));
        Assert.True(SceneRules.Understand(SceneRules.Task with { Name = "mine" }));
        Assert.False(SceneRules.Understand(new TaskSpec { Name = "t", Kind = TaskKind.Text }));
        Assert.False(SceneRules.Understand(SceneRules.Task with { Labels = ["yes", "no"] }));
    }
}
