import { constants, type FileHandle, open } from "node:fs/promises";
import { EspalierError } from "../diagnostics/index.ts";

export interface ReadOptions {
  /** Largest size accepted, in bytes; checked before any memory is allocated. */
  readonly maxBytes?: number;
  /** What the file is, for messages: "model", "labels file". */
  readonly what?: string;
  /** Remedy when the file is missing. */
  readonly hint?: string;
  /** Accept a file of 0 bytes. */
  readonly allowEmpty?: boolean;
}

/** Largest model accepted: protobuf's own limit of one message, 2 GiB - 1; a model for an edge device is far below. */
export const MAX_MODEL_BYTES = 0x7fffffff;

/** Message of a failed system call, in the words of the person who gave the path. */
export function systemError(error: unknown, path: string, what: string, hint?: string): EspalierError {
  const code = (error as NodeJS.ErrnoException).code;
  const remedy = hint === undefined ? {} : { hint };
  const options = { where: path, cause: error, ...remedy };
  if (code === "ENOENT" || code === "ENOTDIR") {
    const hintOfMissing = hint ?? "Check the path; relative paths start at the current directory.";
    return new EspalierError("input", `The ${what} does not exist`, { ...options, hint: hintOfMissing });
  }
  if (code === "EACCES" || code === "EPERM") {
    return new EspalierError("input", `No permission for the ${what}`, {
      ...options,
      hint: "Change its permissions, or run as the user who owns it.",
    });
  }
  if (code === "EISDIR") return new EspalierError("input", `The ${what} is a folder, a file is needed`, options);
  if (code === "ENOSPC") {
    return new EspalierError("runtime", `The disk is full: the ${what} was not written`, {
      ...options,
      hint: "Free some space, or write elsewhere with --out.",
    });
  }
  const message = error instanceof Error ? error.message : String(error);
  return new EspalierError("runtime", `The ${what} failed: ${message}`, options);
}

/**
 * The bytes of a regular file. Refuses a missing file, a folder, a device, an empty file and one above `maxBytes`.
 * @throws EspalierError "input" with the path, both sizes and a remedy.
 */
export async function readInputFile(path: string, options: ReadOptions = {}): Promise<Uint8Array> {
  const what = options.what ?? "file";
  const maxBytes = options.maxBytes ?? MAX_MODEL_BYTES;
  if (path === "" || path.includes("\0")) {
    throw new EspalierError("usage", `"${path.replaceAll("\0", "\\0")}" is not the path of a ${what}`);
  }
  let handle: FileHandle;
  try {
    // Without O_NONBLOCK, opening a pipe that nobody writes to would wait for ever.
    handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    throw systemError(error, path, what, options.hint);
  }
  try {
    return await readWhole(handle, path, what, maxBytes, options.allowEmpty === true);
  } catch (error) {
    throw error instanceof EspalierError ? error : systemError(error, path, what);
  } finally {
    await handle.close();
  }
}

async function readWhole(
  handle: FileHandle,
  path: string,
  what: string,
  maxBytes: number,
  allowEmpty: boolean,
): Promise<Uint8Array> {
  const facts = await handle.stat();
  if (facts.isDirectory()) {
    throw new EspalierError("input", `The ${what} is a folder, a file is needed`, {
      where: path,
      hint: "Give the file inside the folder.",
    });
  }
  if (!facts.isFile()) {
    throw new EspalierError("input", `The ${what} is not a regular file`, {
      where: path,
      hint: "Copy it to a regular file first.",
    });
  }
  if (facts.size === 0 && !allowEmpty) {
    throw new EspalierError("input", `The ${what} is empty (0 bytes)`, {
      where: path,
      hint: "Export or copy it again.",
    });
  }
  if (facts.size > maxBytes) {
    throw new EspalierError("input", `The ${what} has ${facts.size} bytes, at most ${maxBytes} are accepted`, {
      where: path,
      hint: "Check that this is the right file.",
    });
  }
  const bytes = new Uint8Array(facts.size);
  let at = 0;
  while (at < bytes.length) {
    const { bytesRead } = await handle.read(bytes, at, bytes.length - at, at);
    if (bytesRead === 0) {
      throw new EspalierError("input", `The ${what} shrank from ${facts.size} to ${at} bytes while it was read`, {
        where: path,
        hint: "Wait until whoever writes it is done, then run again.",
      });
    }
    at += bytesRead;
  }
  return bytes;
}

/** The bytes of a model file: `readInputFile` with the words and the limit for models. */
export function readModelFile(path: string, options: { readonly maxBytes?: number } = {}): Promise<Uint8Array> {
  return readInputFile(path, { what: "model file", hint: "Check the path given with --model.", ...options });
}
