namespace NativeGreenlet.Generators;

/// <summary>The greenlet of a generator that is being enumerated.</summary>
internal abstract class GeneratorGreenlet(Action body, Greenlet parent) : Greenlet(body, parent)
{
    /// <summary>A greenlet inside this one that yielded for it, or past it: it is the one to continue.</summary>
    public Greenlet? Inner { get; set; }

    /// <summary>Whether it is suspended because it has yielded, and not elsewhere, because its body waits for something.</summary>
    public bool IsAtYield { get; set; }

    /// <summary>The innermost generator that a greenlet runs in: itself or its nearest ancestor that is one.</summary>
    public static GeneratorGreenlet? Around(Greenlet? greenlet)
    {
        while (greenlet is not null and not GeneratorGreenlet)
        {
            greenlet = greenlet.Core.TreeParent;
        }

        return (GeneratorGreenlet?)greenlet;
    }
}
