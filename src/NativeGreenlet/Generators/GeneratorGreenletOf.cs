namespace NativeGreenlet.Generators;

/// <summary>The greenlet of a generator of a type, with the place for the value it yields.</summary>
internal sealed class GeneratorGreenlet<T>(Action body, Greenlet parent) : GeneratorGreenlet(body, parent)
{
    public T? Yielded { get; set; }
}
