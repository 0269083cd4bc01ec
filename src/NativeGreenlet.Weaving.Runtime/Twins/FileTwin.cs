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
            File.WriteAllLines(path, contents!);
            return;
        }

        Hub.Offload(() => File.WriteAllLines(path, contents));
    }

    public static void WriteAllLines(string path, string[] contents, Encoding encoding)
    {
        if (!Hub.IsInside)
        {
            File.WriteAllLines(path, contents!, encoding);
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

    public static void AppendAllBytes(string path, ReadOnlySpan<byte> bytes)
    {
        if (!Hub.IsInside)
        {
            File.AppendAllBytes(path, bytes);
            return;
        }

        byte[] copy = bytes.ToArray();
        Hub.Offload(() => File.AppendAllBytes(path, copy));
    }

    public static void WriteAllBytes(string path, ReadOnlySpan<byte> bytes)
    {
        if (!Hub.IsInside)
        {
            File.WriteAllBytes(path, bytes);
            return;
        }

        byte[] copy = bytes.ToArray();
        Hub.Offload(() => File.WriteAllBytes(path, copy));
    }

    public static void AppendAllText(string path, ReadOnlySpan<char> contents)
    {
        if (!Hub.IsInside)
        {
            File.AppendAllText(path, contents);
            return;
        }

        string copy = contents.ToString();
        Hub.Offload(() => File.AppendAllText(path, copy));
    }

    public static void AppendAllText(string path, ReadOnlySpan<char> contents, Encoding encoding)
    {
        if (!Hub.IsInside)
        {
            File.AppendAllText(path, contents, encoding);
            return;
        }

        string copy = contents.ToString();
        Hub.Offload(() => File.AppendAllText(path, copy, encoding));
    }

    public static void WriteAllText(string path, ReadOnlySpan<char> contents)
    {
        if (!Hub.IsInside)
        {
            File.WriteAllText(path, contents);
            return;
        }

        string copy = contents.ToString();
        Hub.Offload(() => File.WriteAllText(path, copy));
    }

    public static void WriteAllText(string path, ReadOnlySpan<char> contents, Encoding encoding)
    {
        if (!Hub.IsInside)
        {
            File.WriteAllText(path, contents, encoding);
            return;
        }

        string copy = contents.ToString();
        Hub.Offload(() => File.WriteAllText(path, copy, encoding));
    }

    public static void AppendAllLines(string path, IEnumerable<string> contents)
    {
        if (!Hub.IsInside || contents is null)
        {
            File.AppendAllLines(path, contents!);
            return;
        }

        string[] copy = [.. contents]; // in the task: what makes them may wait
        Hub.Offload(() => File.AppendAllLines(path, copy));
    }

    public static void AppendAllLines(string path, IEnumerable<string> contents, Encoding encoding)
    {
        if (!Hub.IsInside || contents is null)
        {
            File.AppendAllLines(path, contents!, encoding);
            return;
        }

        string[] copy = [.. contents];
        Hub.Offload(() => File.AppendAllLines(path, copy, encoding));
    }

    public static void WriteAllLines(string path, IEnumerable<string> contents)
    {
        if (!Hub.IsInside || contents is null)
        {
            File.WriteAllLines(path, contents!);
            return;
        }

        string[] copy = [.. contents]; // in the task: what makes them may wait
        Hub.Offload(() => File.WriteAllLines(path, copy));
    }

    public static void WriteAllLines(string path, IEnumerable<string> contents, Encoding encoding)
    {
        if (!Hub.IsInside || contents is null)
        {
            File.WriteAllLines(path, contents!, encoding);
            return;
        }

        string[] copy = [.. contents];
        Hub.Offload(() => File.WriteAllLines(path, copy, encoding));
    }

    public static FileStream Open(string path, FileMode mode) =>
        Hub.IsInside ? Hub.Offload(() => File.Open(path, mode)) : File.Open(path, mode);

    public static FileStream Open(string path, FileMode mode, FileAccess access) =>
        Hub.IsInside ? Hub.Offload(() => File.Open(path, mode, access)) : File.Open(path, mode, access);

    public static FileStream Open(string path, FileMode mode, FileAccess access, FileShare share) =>
        Hub.IsInside ? Hub.Offload(() => File.Open(path, mode, access, share)) : File.Open(path, mode, access, share);

    public static FileStream Open(string path, FileStreamOptions options) =>
        Hub.IsInside ? Hub.Offload(() => File.Open(path, options)) : File.Open(path, options);

    public static FileStream OpenRead(string path) =>
        Hub.IsInside ? Hub.Offload(() => File.OpenRead(path)) : File.OpenRead(path);

    public static FileStream OpenWrite(string path) =>
        Hub.IsInside ? Hub.Offload(() => File.OpenWrite(path)) : File.OpenWrite(path);

    public static StreamReader OpenText(string path) =>
        Hub.IsInside ? Hub.Offload(() => File.OpenText(path)) : File.OpenText(path);

    public static FileStream Create(string path) =>
        Hub.IsInside ? Hub.Offload(() => File.Create(path)) : File.Create(path);

    public static FileStream Create(string path, int bufferSize) =>
        Hub.IsInside ? Hub.Offload(() => File.Create(path, bufferSize)) : File.Create(path, bufferSize);

    public static FileStream Create(string path, int bufferSize, FileOptions options) =>
        Hub.IsInside ? Hub.Offload(() => File.Create(path, bufferSize, options)) : File.Create(path, bufferSize, options);

    public static StreamWriter CreateText(string path) =>
        Hub.IsInside ? Hub.Offload(() => File.CreateText(path)) : File.CreateText(path);

    public static StreamWriter AppendText(string path) =>
        Hub.IsInside ? Hub.Offload(() => File.AppendText(path)) : File.AppendText(path);

    public static void Delete(string path)
    {
        if (!Hub.IsInside)
        {
            File.Delete(path);
            return;
        }

        Hub.Offload(() => File.Delete(path));
    }

    public static void Replace(string sourceFileName, string destinationFileName, string? destinationBackupFileName)
    {
        if (!Hub.IsInside)
        {
            File.Replace(sourceFileName, destinationFileName, destinationBackupFileName);
            return;
        }

        Hub.Offload(() => File.Replace(sourceFileName, destinationFileName, destinationBackupFileName));
    }

    public static void Replace(string sourceFileName, string destinationFileName, string? destinationBackupFileName, bool ignoreMetadataErrors)
    {
        if (!Hub.IsInside)
        {
            File.Replace(sourceFileName, destinationFileName, destinationBackupFileName, ignoreMetadataErrors);
            return;
        }

        Hub.Offload(() => File.Replace(sourceFileName, destinationFileName, destinationBackupFileName, ignoreMetadataErrors));
    }
}
