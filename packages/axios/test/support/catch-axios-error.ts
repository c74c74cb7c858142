import { type AxiosError, isAxiosError } from "axios";

/** Waits for a call to reject with an error of axios, and resolves to it. Rejects otherwise. */
export async function catchAxiosError(call: Promise<unknown>): Promise<AxiosError> {
  try {
    await call;
  } catch (error) {
    if (isAxiosError(error)) return error;
    throw error;
  }
  throw new Error("The call resolved.");
}
