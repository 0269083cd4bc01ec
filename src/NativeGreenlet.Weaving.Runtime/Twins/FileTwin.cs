using System.Diagnostics;
using System.Text;
using NativeGreenlet.Cooperative;

namespace NativeGreenlet.Weaving.Twins;

/// <summary>Stands in for the blocking methods of <see cref="File"/>, which a thread of the pool does, in woven code: outside a hub they do the same, inside one they park the
/// task.</summary>
/// <remarks>The documentation of a method is that of its original.</remarks>
[GreenletTwin(typeof(File))]
[StackTraceHidden]
public static class FileTwin
{
    public static byte[] ReadAllBytes(string path) =>
        Hub.IsInside ? Hub.Offload(() => File.ReadAllBytes(path)) : File.ReadAllBytes(path);

    public static string ReadAllText(string path) =>
        Hub.IsInside ? Hub.Offload(() => File.ReadAllText(path)) : File.ReadAllText(path);

    public static string ReadAllText(string path, Encoding encoding) =>
        Hub.IsInside ? Hub.Offload(() => File.ReadAllText(path, encoding)) : File.ReadAllText(path, encoding);

    public static string[] ReadAllLines(string path) =>
        Hub.IsInside ? Hub.Offload(() => File.ReadAllLines(path)) : File.ReadAllLines(path);

    public static string[] ReadAllLines(string path, Encoding encoding) =>
        Hub.IsInside ? Hub.Offload(() => File.ReadAllLines(path, encoding)) : File.ReadAllLines(path, encoding);

    public static void WriteAllBytes(string path, byte[] bytes)
    {
        if (!Hub.IsInside)
        {
            File.WriteAllBytes(path, bytes);
            return;
        }

        Hub.Offload(() => File.WriteAllBytes(path, bytes));
    }

    public static void WriteAllText(string path, string? contents)
    {
        if (!Hub.IsInside)
        {
            File.WriteAllText(path, contents);
            return;
        }

        Hub.Offload(() => File.WriteAllText(path, contents));
    }

    public static void WriteAllText(string path, string? contents, Encoding encoding)
    {
        if (!Hub.IsInside)
        {
            File.WriteAllText(path, contents, encoding);
            return;
        }

        Hub.Offload(() => File.WriteAllText(path, contents, encoding));
    }

    public static void WriteAllLines(string path, string[] contents)
    {
        if (!Hub.IsInside)
        {
            File.WriteAllLines(path, contents);
            return;
        }

        Hub.Offload(() => File.WriteAllLines(path, contents));
    }

    public static void WriteAllLines(string path, string[] contents, Encoding encoding)
    {
        if (!Hub.IsInside)
        {
            File.WriteAllLines(path, contents, encoding);
            return;
        }

        Hub.Offload(() => File.WriteAllLines(path, contents, encoding));
    }

    public static void AppendAllText(string path, string? contents)
    {
        if (!Hub.IsInside)
        {
            File.AppendAllText(path, contents);
            return;
        }

        Hub.Offload(() => File.AppendAllText(path, contents));
    }

    public static void AppendAllText(string path, string? contents, Encoding encoding)
    {
        if (!Hub.IsInside)
        {
            File.AppendAllText(path, contents, encoding);
            return;
        }

        Hub.Offload(() => File.AppendAllText(path, contents, encoding));
    }

    public static void AppendAllBytes(string path, byte[] bytes)
    {
        if (!Hub.IsInside)
        {
            File.AppendAllBytes(path, bytes);
            return;
        }

        Hub.Offload(() => File.AppendAllBytes(path, bytes));
    }

    public static void Copy(string sourceFileName, string destFileName)
    {
        if (!Hub.IsInside)
        {
            File.Copy(sourceFileName, destFileName);
            return;
        }

        Hub.Offload(() => File.Copy(sourceFileName, destFileName));
    }

    public static void Copy(string sourceFileName, string destFileName, bool overwrite)
    {
        if (!Hub.IsInside)
        {
            File.Copy(sourceFileName, destFileName, overwrite);
            return;
        }

        Hub.Offload(() => File.Copy(sourceFileName, destFileName, overwrite));
    }

    public static void Move(string sourceFileName, string destFileName)
    {
        if (!Hub.IsInside)
        {
            File.Move(sourceFileName, destFileName);
            return;
        }

        Hub.Offload(() => File.Move(sourceFileName, destFileName));
    }

    public static void Move(string sourceFileName, string destFileName, bool overwrite)
    {
        if (!Hub.IsInside)
        {
            File.Move(sourceFileName, destFileName, overwrite);
            return;
        }

        Hub.Offload(() => File.Move(sourceFileName, destFileName, overwrite));
    }
}
