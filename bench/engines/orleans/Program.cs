using System.Globalization;
using NativeGreenlet.Engines.Orleans;

if (args is ["cell", var style, var wait, var number, var inFlight, var seconds])
{
    await Cell.RunAsync(style, wait, int.Parse(number, CultureInfo.InvariantCulture), int.Parse(inFlight, CultureInfo.InvariantCulture), double.Parse(seconds, CultureInfo.InvariantCulture));
    return 0;
}

return Table.Print(args);
