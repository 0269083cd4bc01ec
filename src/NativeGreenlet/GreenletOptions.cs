namespace NativeGreenlet;

/// <summary>Options of a new greenlet: parent, name, stack size and execution context.</summary>
/// <example><code>
/// GreenletOptions options = new() { Name = "parser", StackSize = 4 * 1024 * 1024 };
/// using Greenlet parser = new(text =&gt; ((string)text!).Length, options);
/// Console.WriteLine(parser.Switch("42")); // 2
/// </code></example>
public sealed class GreenletOptions
{
    /// <summary>Gets or sets the parent; null stands for the greenlet that creates it.</summary>
    public Greenlet? Parent { get; set; }

    /// <summary>Gets or sets a name for diagnostics.</summary>
    public string? Name { get; set; }

    /// <summary>
    /// Gets or sets how many bytes of stack the greenlet needs at most; 0 stands for the default of 1 MiB. This is address
    /// space: memory is taken as it is touched.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative, or more than 1 GiB.</exception>
    public int StackSize
    {
        get;
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, 1 << 30);
            field = value;
        }
    }

    /// <summary>Gets or sets the execution context the greenlet starts with.</summary>
    public ContextFlow ContextFlow { get; set; }
}
